"""What else could carry the answer on the adult films: view, age, sex, patient number, frame and marks.

Normal and ill adults were not filmed alike: the AUC that these facts reach alone, on the same test
films, stands beside the reader's own within one view, with the frame hidden, and with all but the
frame hidden.
"""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from consilium.tools.imaging.card import Figure
from consilium.tools.imaging.data import FilmSet
from consilium.tools.imaging.logistic import Numbers, fit_logistic, sigmoid
from consilium.tools.imaging.metrics import auc, patient_bootstrap
from consilium.tools.imaging.reader import FilmReader

_FRAME = 0.14  # share of the side: laterality marks, text, collimator edges
_CORNER = 0.25
_RIDGE = 1.0
_REREAD = {"YES": 1.0, "NO": 0.0}


def confounds(reader: FilmReader, adults: FilmSet, folder: Path) -> dict[str, Figure]:
    """AUC of the reader and of what is not the disease, on adult test films.

    Parameters
    ----------
    adults : the adult films, all splits.
    folder : of the collection, for the facts in its labels file.
    """
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as lines:
        rows = {row["file"]: row for row in csv.DictReader(lines)}
    facts = [rows[film.path.relative_to(folder).as_posix()] for film in adults.films]
    train = np.array([film.split == "train" for film in adults.films])
    test = np.array([film.split == "test" for film in adults.films])
    labels, patients = adults.labels[test], np.asarray(adults.patients)[test]
    pictures = adults.pictures[test]
    scores = reader.read_many(pictures).logits
    views = np.array([row["view"] for row in facts])[test]

    def found(values: Numbers) -> Figure:
        low, high = patient_bootstrap(auc, labels, values, list(patients))
        return _figure(auc(labels, values), low, high)

    figures = {
        "reader": found(scores),
        "reader, pairs of one view": _within(labels, scores, views, list(patients)),
        "reader, corners and edges hidden": found(reader.read_many(_hide_frame(pictures)).logits),
        "reader, all but corners and edges hidden": found(
            reader.read_many(_hide_middle(pictures)).logits
        ),
    }
    numbers = {
        "view": [float(row["view"] == "PA") for row in facts],
        "age": [float(row["age"] or 0) for row in facts],
        "sex": [float(row["sex"] == "M") for row in facts],
        "patient number": [
            float("".join(filter(str.isdigit, row["patient_id"])) or 0) for row in facts
        ],
    }
    sets = {f"{name} alone": [name] for name in numbers} | {
        "view, age and sex": ["view", "age", "sex"]
    }
    for title, names in sets.items():
        design = np.array([numbers[name] for name in names]).T
        design = (design - design[train].mean(0)) / design[train].std(0).clip(1e-9)
        design = np.hstack([design, np.ones((len(design), 1))])
        prior, weights = np.zeros(design.shape[1]), np.ones(int(train.sum()))
        beta = fit_logistic(design[train], adults.labels[train], weights, prior, _RIDGE)
        figures[title] = found(sigmoid(design[test] @ beta))
    reread = [row.get("google2019_airspace_opacity", "") for row in facts]
    unseen = np.array([word in _REREAD for word in reread]) & ~train
    truth = np.array([_REREAD.get(word, 0.0) for word in reread])[unseen]
    if 0 < truth.sum() < len(truth):
        seen = reader.read_many(adults.pictures[unseen]).logits
        owners = list(np.asarray(adults.patients)[unseen])
        low, high = patient_bootstrap(auc, truth, seen, owners)
        title = f"reader, airspace opacity re-read by radiologists ({len(truth)} films)"
        figures[title] = _figure(auc(truth, seen), low, high)
    return figures


def _figure(value: float, low: float, high: float) -> Figure:
    return Figure(value=round(value, 4), low=round(low, 4), high=round(high, 4))


def _within(
    labels: Numbers, scores: Numbers, strata: NDArray[np.str_], patients: list[str]
) -> Figure:
    """AUC over pairs of films of the same stratum."""
    place = np.unique(strata, return_inverse=True)[1].astype(np.float64)

    def metric(marked: Numbers, values: Numbers) -> float:
        total, pairs = 0.0, 0.0
        for stratum in np.unique(place):
            rows = marked // 2 == stratum
            truth = marked[rows] % 2
            count = float(truth.sum() * (1 - truth).sum())
            if count:
                total, pairs = total + count * auc(truth, values[rows]), pairs + count
        return total / pairs if pairs else float("nan")

    marked = labels + 2 * place
    low, high = patient_bootstrap(metric, marked, scores, patients)
    return _figure(metric(marked, scores), low, high)


def _frame(size: int) -> NDArray[np.bool_]:
    edge, corner = round(size * _FRAME), round(size * _CORNER)
    place = np.minimum(np.arange(size), size - 1 - np.arange(size))
    near = place < edge
    in_corner = place < corner
    return np.asarray(near[:, None] | near[None] | (in_corner[:, None] & in_corner[None]))


def _hide_frame(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return _hidden(pictures, _frame(pictures.shape[1]))


def _hide_middle(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return _hidden(pictures, ~_frame(pictures.shape[1]))


def _hidden(pictures: NDArray[np.uint8], where: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Films with one grey, the film's own median, in place of what is hidden."""
    changed = pictures.copy()
    for film in changed:
        film[where] = np.median(film)
    return changed
