"""Whether the heatmaps point at the disease: radiologists' boxes, and networks that learned nothing.

`python -m consilium.tools.imaging.heatmap_check --nih DIR` prints the figures of the card. After Adebayo
et al. (NeurIPS 2018): a map that looks the same with random weights shows the film's edges, not what was
learned.
"""

import csv
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from PIL import Image

from consilium.tools.imaging import data
from consilium.tools.imaging.card import WEIGHTS, Figure, Heatmaps
from consilium.tools.imaging.ensemble import Ensemble
from consilium.tools.imaging.heatmap import attend
from consilium.tools.imaging.logistic import Numbers
from consilium.tools.imaging.metrics import patient_bootstrap, share
from consilium.tools.imaging.preprocess import prepare
from consilium.tools.imaging.reader import FilmReader

_BOXED = "Pneumonia"
_FILM_SIDE = 320  # pixels, of the films that the boxes are drawn on
_BUMP = 0.22  # standard deviation of the centre prior, share of the side
_SEED = 0


def heatmaps(reader: FilmReader, folder: Path) -> Heatmaps:
    """Measure the heatmaps on the boxed pneumonias of the adult collection."""
    boxes = _boxes(folder)
    films = [f for f in data.nih(folder) if f.path.relative_to(folder).as_posix() in boxes]
    untrained = _untrained(reader.network)
    inside, chance, centre, random_inside, likeness = [], [], [], [], []
    for film in films:
        with Image.open(film.path) as picture:
            pixels = prepare(np.asarray(picture.convert("L")), reader.network.input_size)
        heat, noise = attend(reader.network, pixels), attend(untrained, pixels)
        mask = _mask(boxes[film.path.relative_to(folder).as_posix()], len(heat))
        inside.append(_energy(heat, mask))
        chance.append(float(mask.mean()))
        centre.append(_energy(_bump(len(heat)), mask))
        random_inside.append(_energy(noise, mask))
        likeness.append(_rank_correlation(heat, noise))
    unseen = np.array([film.split != "train" for film in films])
    patients = np.array([film.patient for film in films])
    energy = np.array(inside)
    return Heatmaps(
        films=len(films),
        unseen=int(unseen.sum()),
        inside=_figure(energy, list(patients)),
        inside_unseen=_figure(energy[unseen], list(patients[unseen])),
        chance=_mean(np.array(chance)),
        chance_unseen=_mean(np.array(chance)[unseen]),
        centre=_mean(np.array(centre)),
        centre_unseen=_mean(np.array(centre)[unseen]),
        randomised=_mean(np.array(random_inside)),
        likeness=_mean(np.array(likeness)),
    )


def _boxes(folder: Path) -> dict[str, list[tuple[float, float, float, float]]]:
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    with (folder / "boxes.csv").open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["finding"] == _BOXED:
                left, top, width, height = (float(row[name]) for name in "xywh")
                found.setdefault(row["file"], []).append((left, top, left + width, top + height))
    return found


def _untrained(network: Ensemble) -> Ensemble:
    torch.manual_seed(_SEED)
    return Ensemble.of([member.config for member in network.nets]).eval()


def _mask(boxes: list[tuple[float, float, float, float]], cells: int) -> NDArray[np.bool_]:
    place = (np.arange(cells) + 0.5) * _FILM_SIDE / cells
    mask = np.zeros((cells, cells), bool)
    for left, top, right, bottom in boxes:
        rows, columns = (place >= top) & (place < bottom), (place >= left) & (place < right)
        mask |= rows[:, None] & columns[None]
    return mask


def _energy(heat: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    total = float(heat.sum())
    return float(heat[mask].sum()) / total if total > 0 else 0.0


def _bump(cells: int) -> NDArray[np.float32]:
    place = (np.arange(cells) + 0.5) / cells - 0.5
    wave = np.exp(-(place**2) / (2 * _BUMP**2))
    return np.outer(wave, wave).astype(np.float32)


def _rank_correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    ranks = [np.unique(heat, return_inverse=True)[1].ravel() for heat in (one, other)]
    if min(rank.max() for rank in ranks) == 0:
        return 0.0
    return float(np.asarray(np.corrcoef(ranks))[0, 1])


def _mean(values: Numbers) -> float:
    return round(float(values.mean()), 4)


def _figure(energy: Numbers, patients: list[str]) -> Figure:
    low, high = patient_bootstrap(share, energy, energy, patients)
    return Figure(value=round(float(energy.mean()), 4), low=round(low, 4), high=round(high, 4))


def main(
    nih: Annotated[Path, typer.Option(help="Folder of the adult films.")],
    weights: Annotated[Path, typer.Option(help="Folder of the weights and their card.")] = WEIGHTS,
) -> None:
    """Energy of the heatmaps inside radiologists' boxes, against chance, a centre prior and random weights."""
    typer.echo(heatmaps(FilmReader.load(weights), nih).model_dump_json(indent=2))


if __name__ == "__main__":
    typer.run(main)
