"""Every figure of the card, measured again from the shipped weights.

`python -m consilium.tools.imaging.evaluate --kermany DIR --nih DIR [--report R.json]`
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from consilium.tools.imaging import data
from consilium.tools.imaging.baseline import Baseline
from consilium.tools.imaging.card import ADULT_FIGURES, WEIGHTS, Figure, Figures
from consilium.tools.imaging.data import FilmSet, LabelledFilm
from consilium.tools.imaging.logistic import Numbers
from consilium.tools.imaging.metrics import (
    Metric,
    auc,
    balanced_accuracy,
    brier,
    calibration_error,
    patient_bootstrap,
    sensitivity,
    specificity,
)
from consilium.tools.imaging.reader import FilmReader, embed, score

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
}


def evaluate(reader: FilmReader, train: FilmSet, test: FilmSet) -> dict[str, Figures]:
    """Measure reader and baseline on the test films, whole and in parts.

    The reader's operating point is the one fixed on validation; the baseline's is .5. Films that
    the reader would abstain from are counted, and are measured like the others.
    """
    scores = score(reader.network, test.pictures)
    probability = reader.card.calibration.probability(scores.logits)
    outside = (
        reader.novelty.distance(embed(reader.network, test.pictures))
        > reader.card.novelty_threshold
    )
    baseline = Baseline(train).probability(test.pictures)
    figures = {}
    for name, condition in SUBSETS.items():
        rows = np.array([condition(film) for film in test.films])
        part = test.where(condition)
        figures[name] = Figures(
            films=len(part),
            pneumonias=int(part.labels.sum()),
            patients=len(set(part.patients)),
            abstained=round(float(outside[rows].mean()), 4),
            reader=figures_of(
                part.labels, probability[rows], part.patients, reader.card.calibration.threshold
            ),
            baseline=figures_of(part.labels, baseline[rows], part.patients, 0.5),
        )
    return figures


def figures_of(
    labels: Numbers, probability: Numbers, patients: Sequence[str], threshold: float
) -> dict[str, Figure]:
    """Every metric with its interval over resampled patients; one that needs a class nobody has is left out."""
    metrics: dict[str, Metric] = {
        "auc": auc,
        "balanced accuracy": partial(balanced_accuracy, threshold=threshold),
        "sensitivity": partial(sensitivity, threshold=threshold),
        "specificity": partial(specificity, threshold=threshold),
        "calibration error": calibration_error,
        "brier": brier,
    }
    figures = {}
    for name, metric in metrics.items():
        value = metric(labels, probability)
        if np.isnan(value):
            continue
        low, high = patient_bootstrap(metric, labels, probability, patients)
        figures[name] = Figure(value=round(value, 4), low=round(low, 4), high=round(high, 4))
    return figures


def main(
    kermany: Annotated[Path, typer.Option(help="Folder of the paediatric films.")],
    nih: Annotated[Path, typer.Option(help="Folder of the adult films.")],
    weights: Annotated[Path, typer.Option(help="Folder of the weights and their card.")] = WEIGHTS,
    report: Annotated[Path | None, typer.Option(help="Where to write the figures.")] = None,
) -> None:
    """Measure the weights again and say whether the card tells the truth."""
    reader = FilmReader.load(weights)
    config = reader.card.config
    films = data.load(
        [*data.kermany(kermany), *data.nih(nih, config.seed)], config.network.input_size
    )
    figures = evaluate(reader, films.split("train"), films.split("test"))
    text = json.dumps({name: part.model_dump() for name, part in figures.items()}, indent=2)
    if report:
        report.write_text(text + "\n", encoding="utf-8")
    typer.echo(text)
    if figures != reader.card.figures:
        typer.echo("These figures differ from the card's.", err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
