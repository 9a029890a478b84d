"""Chest films by picture: neighbours by the embedding of the film reader's network.

The index is a case base of its own (`films`): the label is a case's text, the network's mean activations,
centred on the reader's training films and scaled to length 1, are its vector. Pictures and file names
are not kept. What it measures is likeness to the eye of that one network, site and machine included.
"""

import csv
import hashlib
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from consilium.tools.cases.base import CaseBase
from consilium.tools.cases.case import Case, clean_text
from consilium.tools.cases.generation import ModelInfo
from consilium.tools.cases.index import Vectors
from consilium.tools.cases.snapshot import Snapshot
from consilium.tools.contract import ToolError
from consilium.tools.home import data_home
from consilium.tools.imaging.film import Film
from consilium.tools.imaging.intake import admit
from consilium.tools.imaging.preprocess import prepare
from consilium.tools.imaging.reader import FilmReader, embed

COLLECTION = "indexed films"
_LABEL = 200  # characters
_BATCH = 32  # films that are added at once; an interruption loses at most these
_SAMPLE = 1000  # films whose pairs make the scale
_FEWEST = 30  # films below which a percentile says nothing
_IN_USE = ("file", "label")


@dataclass(frozen=True)
class NearFilm:
    """An indexed film near another one.

    Parameters
    ----------
    similarity : percent of random pairs of indexed films that are less alike; None with few films.
    """

    id: str
    label: str
    similarity: float | None


class Pictures(NamedTuple):
    """What became of the films of a folder: how many are new, and how many were there already."""

    added: int
    known: int


class _Listed(NamedTuple):
    """A film of a labels file, with the line that names it."""

    line: int
    case: Case
    path: Path


class FilmSearch:
    """The indexed films, safe to share between threads; follows what is added and removed.

    Parameters
    ----------
    home : the data folder.
    """

    def __init__(self, home: Path) -> None:
        self._base = CaseBase(_folder(home))
        self._lock = threading.Lock()
        self._reader: FilmReader | None = None
        self._scaled: tuple[Snapshot, Vectors] | None = None

    @property
    def count(self) -> int:
        """How many films are indexed."""
        return len(self._base.snapshot()) if self._base.exists else 0

    def search(self, picture: Path, k: int) -> list[NearFilm] | None:
        """Films nearest to a picture, best first; None where it is no film the network knows.

        Raises
        ------
        ToolError
            If the picture cannot be opened, or the films were indexed with other weights.
        """
        with self._lock:
            self._reader = self._reader or FilmReader.load()
            reader = self._reader
        snapshot = self._base.snapshot()
        _check_weights(snapshot, reader)
        embedding = _embed(reader, [_open(picture)])
        if reader.novelty.distance(embedding)[0] > reader.card.novelty_threshold:
            return None
        rows, cosines = snapshot.nearest(_unit(embedding, reader)[0], k)
        scale = self._scale(snapshot)
        return [
            NearFilm(
                case.id,
                case.text,
                float(np.searchsorted(scale, cosine)) * 100 / len(scale) if len(scale) else None,
            )
            for case, cosine in zip(snapshot.cases(rows), cosines, strict=True)
        ]

    def _scale(self, snapshot: Snapshot) -> Vectors:
        with self._lock:
            if self._scaled is None or self._scaled[0] is not snapshot:
                self._scaled = (snapshot, _pairs(snapshot))
            return self._scaled[1]


def add_pictures(images: Path, labels: Path, home: Path | None = None) -> Pictures:
    """Index the films of a folder; what an interrupted call added is not done again.

    Parameters
    ----------
    images : folder of the films (PNG, JPEG, DICOM, ...).
    labels : CSV with the columns `file` (relative to `images`) and `label`.

    Raises
    ------
    ToolError
        If the labels cannot be read or contradict each other or what is there, a file is missing or no
        film, the weights are missing, or the films were indexed with other weights.
    """
    listed = list(_listed(images, labels))
    reader = FilmReader.load()
    base = CaseBase(_folder(home or data_home()))
    if not base.exists:
        weights, dimension = reader.card.weights_sha256, len(reader.novelty.center)
        base.create(ModelInfo(name=reader.card.name, sha256=weights, dimension=dimension))
    snapshot = base.snapshot()
    _check_weights(snapshot, reader)
    present = snapshot.by_id([film.case.id for film in listed])
    for film in listed:
        there = present.get(film.case.id)
        if there and there.text != film.case.text:
            raise ToolError(
                f"Line {film.line} of the labels: this film is there already with another label"
                f" ({film.case.id}): remove it first, with `consilium cases remove` and the folder"
                " cases/films as --base."
            )
    fresh = [film for film in listed if film.case.id not in present]
    with tqdm(total=len(fresh), desc="films", unit="film", disable=None) as progress:
        for start in range(0, len(fresh), _BATCH):
            batch = fresh[start : start + _BATCH]
            vectors = _unit(_embed(reader, [_open_listed(film) for film in batch]), reader)
            base.add([film.case for film in batch], vectors, deduplicate=False)
            progress.update(len(batch))
    return Pictures(len(fresh), len(listed) - len(fresh))


def _check_weights(snapshot: Snapshot, reader: FilmReader) -> None:
    if snapshot.model.sha256 != reader.card.weights_sha256:
        raise ToolError(
            "The films were indexed with another version of the film reader: remove the folder"
            " cases/films in the data folder and add the films again."
        )


def _folder(home: Path) -> Path:
    return home / "cases" / "films"


def _listed(images: Path, labels: Path) -> Iterator[_Listed]:
    """What a labels file lists, each picture once, its label freed of identifiers."""
    # takes seconds, which no search need wait
    from consilium.tools.cases.intake.deidentify import Deidentifier

    deidentifier = Deidentifier()
    seen: dict[str, _Listed] = {}
    try:
        with labels.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if not set(_IN_USE) <= set(rows.fieldnames or ()):
                raise ToolError("The labels need a CSV file with the columns file and label.")
            for number, row in enumerate(rows, 2):
                label = deidentifier.clean(clean_text(row["label"] or "")[:_LABEL])[:_LABEL]
                path = images / (row["file"] or "")
                if not label:
                    raise ToolError(f"Line {number} of the labels has no label.")
                if not _is_in(path, images):
                    raise ToolError(f"Line {number} of the labels names a file that is not there.")
                name = f"film-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
                earlier = seen.get(name)
                if earlier is None:
                    case = Case(id=name, text=label, source=COLLECTION)
                    seen[name] = _Listed(number, case, path)
                    yield seen[name]
                elif earlier.case.text != label:
                    raise ToolError(
                        f"Line {number} of the labels gives the film of line {earlier.line} another"
                        " label: leave one of them out."
                    )
    except (OSError, UnicodeDecodeError, csv.Error):
        raise ToolError("The labels file cannot be read: it must be CSV in UTF-8.") from None
    if not seen:
        raise ToolError("The labels file lists no film.")


def _is_in(path: Path, folder: Path) -> bool:
    try:
        return path.is_file() and path.resolve().is_relative_to(folder.resolve())
    except OSError:  # a name that is too long for a file
        return False


def _embed(reader: FilmReader, films: Sequence[Film]) -> Vectors:
    """Embeddings [n, d] of films, each prepared as the reader does."""
    size = reader.network.input_size
    return embed(reader.network, np.stack([prepare(film.pixels, size) for film in films]))


def _open_listed(film: _Listed) -> Film:
    try:
        return _open(film.path)
    except ToolError as error:
        raise ToolError(f"Line {film.line} of the labels: {error}") from None


def _open(path: Path) -> Film:
    if Film.is_saved(path):
        try:
            return Film.read(path)
        except (OSError, ValueError):
            raise ToolError("The film is damaged: please add it again.") from None
    with tempfile.TemporaryDirectory() as folder:
        return Film.read(admit(path, Path(folder)).path)


def _unit(embeddings: Vectors, reader: FilmReader) -> Vectors:
    centred = embeddings - reader.novelty.center
    unit: Vectors = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    return unit


def _pairs(snapshot: Snapshot) -> Vectors:
    """Cosines of random pairs of films, at every tenth of a percent; empty with few films."""
    rows = snapshot.rows()
    if len(rows) < _FEWEST:
        return np.empty(0, np.float32)
    chance = np.random.default_rng(len(rows))
    vectors = snapshot.vectors(np.sort(chance.permutation(rows)[:_SAMPLE]))
    cosines = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    scale: Vectors = np.quantile(cosines, np.linspace(0, 1, 1001)).astype(np.float32)
    return scale
