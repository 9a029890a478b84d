"""The film collections and their splits by patient.

Read from folders given at run time; nothing of them is kept here.
"""

import csv
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from consilium.tools.imaging.preprocess import prepare

Split = Literal["train", "val", "test"]
Site = Literal["kermany", "nih", "pneumoniamnist"]
SITES = ("kermany", "nih")  # the hospitals of full-size films
FOLDERS: dict[Site, str] = {
    "kermany": "kermany_cxr224",
    "nih": "nih_cxr320",
    "pneumoniamnist": "pneumoniamnist",
}
_THUMBNAILS = "pneumoniamnist_reassembled.npz"
SPLIT_SEED = 7  # of the adult films' patients; the same since the first reader


@dataclass(frozen=True)
class LabelledFilm:
    """One labelled film of a collection.

    Parameters
    ----------
    path : the picture file.
    pneumonia : the label; text-mined, so noisy, where `site` is "nih".
    patient : unique over both sites.
    site : "kermany" (children), "nih" (mostly adults, another hospital) or "pneumoniamnist".
    split : by patient.
    subset : a named part of the test films, reported on its own; may be empty.
    """

    path: Path
    pneumonia: bool
    patient: str
    site: str
    split: Split
    subset: str = ""


@dataclass(frozen=True)
class FilmSet:
    """Films with their prepared pictures, row by row.

    Parameters
    ----------
    pictures : (n, size, size) uint8, prepared as the network's input.
    labels : (n,) 1.0 = pneumonia.
    """

    films: tuple[LabelledFilm, ...]
    pictures: NDArray[np.uint8]
    labels: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.films)

    def where(self, condition: Callable[[LabelledFilm], bool]) -> "FilmSet":
        """Return the part of the films that meet a condition."""
        rows = np.array([condition(film) for film in self.films], dtype=bool)
        chosen = tuple(film for film, kept in zip(self.films, rows, strict=True) if kept)
        return FilmSet(chosen, self.pictures[rows], self.labels[rows])

    def split(self, name: Split) -> "FilmSet":
        """Return the films of one split."""
        return self.where(lambda film: film.split == name)

    @property
    def patients(self) -> list[str]:
        """Patient of each film."""
        return [film.patient for film in self.films]

    @property
    def sites(self) -> list[str]:
        """Site of each film."""
        return [film.site for film in self.films]

    def class_weights(self) -> NDArray[np.float64]:
        """Return (n,) weights, mean 1 per site, by which both classes of a site count alike."""
        weights = np.ones(len(self))
        sites = np.asarray(self.sites)
        for site in sorted(set(self.sites)):
            for label in (0.0, 1.0):
                rows = (sites == site) & (self.labels == label)
                weights[rows] = (sites == site).sum() / (2 * max(int(rows.sum()), 1))
        return weights


def kermany(folder: Path) -> list[LabelledFilm]:
    """List the paediatric films, split as their labels file says.

    The test normals come in two kinds, reported separately: those that PneumoniaMNIST's test set
    also holds ("matched") and those that it does not ("unmatched").
    """
    films = []
    for row in _rows(folder):
        subset = ""
        if row["split"] == "test" and row["label"] == "normal":
            subset = "matched" if row["medmnist_split"] else "unmatched"
        films.append(_labelled(folder, row, "kermany", _split(row["split"]), subset))
    return films


def nih(
    folder: Path, seed: int = SPLIT_SEED, shares: tuple[float, float] = (0.6, 0.15)
) -> list[LabelledFilm]:
    """List the adult films, split by a seeded hash of the patient.

    Parameters
    ----------
    shares : share of the patients in train and in val; the rest is test.
    """
    films = []
    for row in _rows(folder):
        digest = hashlib.sha256(f"{seed}:{row['patient_id']}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        split: Split = (
            "train" if place < shares[0] else "val" if place < shares[0] + shares[1] else "test"
        )
        films.append(_labelled(folder, row, "nih", split, row["view"]))
    return films


def load(films: Iterable[LabelledFilm], size: int) -> FilmSet:
    """Decode and prepare films for the network."""
    films = tuple(films)
    pictures = np.empty((len(films), size, size), np.uint8)
    for row, film in enumerate(tqdm(films, desc="films", unit="film", disable=None)):
        with Image.open(film.path) as picture:
            pictures[row] = prepare(np.asarray(picture.convert("L")), size)
    return FilmSet(films, pictures, np.array([film.pneumonia for film in films], dtype=np.float64))


def collect(sites: Iterable[Site], root: Path, size: int, cache: Path | None = None) -> FilmSet:
    """Load whole collections from a folder that holds them by the names in `FOLDERS`.

    Parameters
    ----------
    cache : where the prepared pictures are kept, so that a resumed run need not decode them again.
    """
    sites = tuple(sites)
    if sites == ("pneumoniamnist",):
        return _thumbnails(root / FOLDERS["pneumoniamnist"] / _THUMBNAILS, size)
    listed = {"kermany": kermany, "nih": nih}
    films = [film for site in sites for film in listed[site](root / FOLDERS[site])]
    if cache is None:
        return load(films, size)
    hashes = "".join(labels_sha256(root / FOLDERS[site]) for site in sites)
    key = hashlib.sha256(f"{size}{hashes}".encode()).hexdigest()[:12]
    file = cache / f"films-{size}-{key}.npy"
    if file.exists():
        labels = np.array([film.pneumonia for film in films], dtype=np.float64)
        return FilmSet(tuple(films), np.load(file), labels)
    loaded = load(films, size)
    cache.mkdir(parents=True, exist_ok=True)
    np.save(file, loaded.pictures)
    return loaded


def _thumbnails(file: Path, size: int) -> FilmSet:
    """PneumoniaMNIST's 28 px films and official splits; patients are not known there, so each film is one."""
    films: list[LabelledFilm] = []
    pictures: list[NDArray[np.uint8]] = []
    with np.load(file) as arrays:
        for split in get_args(Split):
            labels = arrays[f"{split}_labels"].ravel()
            pictures += [prepare(picture, size) for picture in arrays[f"{split}_images"]]
            films += [
                LabelledFilm(file, bool(label), f"{split}-{row}", "pneumoniamnist", split)
                for row, label in enumerate(labels)
            ]
    pneumonia = np.array([film.pneumonia for film in films], dtype=np.float64)
    return FilmSet(tuple(films), np.stack(pictures), pneumonia)


def labels_sha256(folder: Path) -> str:
    """Return the SHA-256 of a collection's labels file (which holds that of each picture) or archive."""
    thumbnails = folder / _THUMBNAILS
    file = thumbnails if thumbnails.exists() else folder / "labels.csv"
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _labelled(
    folder: Path, row: dict[str, str], site: str, split: Split, subset: str
) -> LabelledFilm:
    pneumonia = row["label"] == "pneumonia"
    return LabelledFilm(folder / row["file"], pneumonia, row["patient_id"], site, split, subset)


def _split(name: str) -> Split:
    for known in get_args(Split):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise ValueError(f"The labels file names an unknown split: {name}.")
