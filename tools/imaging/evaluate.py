"""Every figure of the card, measured again from the shipped weights.

`python -m consilium.tools.imaging.evaluate --data DIR [--weights DIR] [--report R.json]`
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from consilium.tools.imaging import data
from consilium.tools.imaging.baseline import Baseline
from consilium.tools.imaging.card import ADULT_FIGURES, WEIGHTS, Card, Figure, Figures
from consilium.tools.imaging.confounds import confounds
from consilium.tools.imaging.data import FilmSet, LabelledFilm
from consilium.tools.imaging.heatmap_check import heatmaps
from consilium.tools.imaging.logistic import Numbers
from consilium.tools.imaging.metrics import (
    Metric,
    accuracy,
    auc,
    balanced_accuracy,
    brier,
    calibration_error,
    patient_bootstrap,
    sensitivity,
    share,
    specificity,
)
from consilium.tools.imaging.reader import FilmReader

_EVEN = 0.5  # the threshold of published tables; the operating point is the reader's own
# The test films as a whole and in parts; a part of the normals is set against all pneumonias.
SUBSETS: dict[str, Callable[[LabelledFilm], bool]] = {
    "kermany test": lambda film: film.site == "kermany",
    "kermany test, normals in PneumoniaMNIST": lambda film: (
        film.site == "kermany" and film.subset != "unmatched"
    ),
    "kermany test, other normals": lambda film: film.site == "kermany" and film.subset != "matched",
    ADULT_FIGURES: lambda film: film.site == "nih",
    "nih test, view PA": lambda film: film.site == "nih" and film.subset == "PA",
    "nih test, view AP": lambda film: film.site == "nih" and film.subset == "AP",
    "pneumoniamnist test": lambda film: film.site == "pneumoniamnist",
}


def measure(reader: FilmReader, films: FilmSet, root: Path) -> Card:
    """The reader's card with every figure measured anew on the test films.

    Parameters
    ----------
    films : the collections that the reader was made from, all splits.
    root : the folder that holds the collections.
    """
    figures = evaluate(reader, films.split("train"), films.split("test"))
    found = reader.card.model_copy(update={"figures": figures})
    if "nih" not in reader.card.config.collections:
        return found
    adults = films.where(lambda film: film.site == "nih")
    folder = root / data.FOLDERS["nih"]
    update = {"confounds": confounds(reader, adults, folder), "heatmaps": heatmaps(reader, folder)}
    return found.model_copy(update=update)


def evaluate(reader: FilmReader, train: FilmSet, test: FilmSet) -> dict[str, Figures]:
    """Measure reader and baseline on the test films, whole and in parts.

    The reader's operating point is the one fixed on validation; the baseline's is .5. Films that
    the reader would abstain from are counted, and are measured like the others.
    """
    found = reader.read_many(test.pictures)
    covered = np.array(
        [
            reader.card.calibration[name].covered(label, probability)
            for name, label, probability in zip(
                found.population, test.labels, found.probability, strict=True
            )
        ]
    )
    told = np.array([float(level != "indeterminate") for level in found.levels])
    baseline = Baseline(train).probability(test.pictures)
    figures = {}
    for name, condition in SUBSETS.items():
        rows = np.array([condition(film) for film in test.films])
        if not rows.any():
            continue
        part = test.where(condition)
        labels, patients = part.labels, part.patients
        words = {
            "conformal coverage": share_of(covered[rows], patients),
            "neither likely nor unlikely": share_of(1 - told[rows], patients),
        }
        figures[name] = Figures(
            films=len(part),
            pneumonias=int(labels.sum()),
            patients=len(set(patients)),
            abstained=round(float(found.outside[rows].mean()), 4),
            reader=figures_of(labels, found.probability[rows], found.threshold[rows], patients)
            | words,
            baseline=figures_of(labels, baseline[rows], np.full(len(part), 0.5), patients),
        )
    return figures


def figures_of(
    labels: Numbers, probability: Numbers, threshold: Numbers, patients: Sequence[str]
) -> dict[str, Figure]:
    """Every metric with its interval over resampled patients; one that needs a class nobody has is left out.

    Parameters
    ----------
    threshold : (n,) the operating point that holds for each film.
    """
    above = probability - threshold
    metrics: dict[str, tuple[Metric, Numbers]] = {
        "auc": (auc, probability),
        "accuracy": (accuracy, above),
        "accuracy at one half": (accuracy, probability - _EVEN),
        "balanced accuracy": (balanced_accuracy, above),
        "sensitivity": (sensitivity, above),
        "specificity": (specificity, above),
        "calibration error": (calibration_error, probability),
        "brier": (brier, probability),
    }
    figures = {}
    for name, (metric, scores) in metrics.items():
        if not np.isnan(metric(labels, scores)):
            figures[name] = figure(metric, labels, scores, patients)
    return figures


def figure(metric: Metric, labels: Numbers, scores: Numbers, patients: Sequence[str]) -> Figure:
    """One metric with its interval over resampled patients."""
    low, high = patient_bootstrap(metric, labels, scores, patients)
    value = metric(labels, scores)
    return Figure(value=round(value, 4), low=round(low, 4), high=round(high, 4))


def share_of(held: Numbers, patients: Sequence[str]) -> Figure:
    """Share of films of which something holds (1.0), with its interval."""
    return figure(share, held, held, patients)


def main(
    folder: Annotated[Path, typer.Option("--data", help="Folder of the collections.")],
    weights: Annotated[Path, typer.Option(help="Folder of the weights and their card.")] = WEIGHTS,
    report: Annotated[Path | None, typer.Option(help="Where to write the figures.")] = None,
) -> None:
    """Measure the weights again and say whether the card tells the truth."""
    reader = FilmReader.load(weights)
    config = reader.card.config
    measured = measure(reader, data.collect(config.collections, folder, config.input_size), folder)
    text = json.dumps(measured.model_dump(include={"figures", "confounds", "heatmaps"}), indent=2)
    if report:
        report.write_text(text + "\n", encoding="utf-8")
    typer.echo(text)
    if measured != reader.card:
        typer.echo("These figures differ from the card's.", err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
