"""Fits the bands of trained weights, and measures what they hold, on simulated patients of its own.

`python -m consilium.tools.treatment.calibrate [--patients N] [--seed S] [--weights DIR]`; to be run
after every training, because bands of other weights are refused.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.random import RandomState
from tqdm import tqdm

from consilium.tools.treatment.bands import (
    CLASSES,
    LENGTHS,
    NOISES,
    UNEXPLAINED,
    USUAL,
    Bands,
    Flags,
    Indices,
    Measured,
    Prediction,
    errors,
    length_group,
    plan_classes,
    quantiles,
    response_seen,
)
from consilium.tools.treatment.card import WEIGHTS
from consilium.tools.treatment.counterfactuals import HORIZON, PLANS, Counterfactuals, draw
from consilium.tools.treatment.forecast import Model, explain_noise
from consilium.tools.treatment.history import MEASURABLE, Floats
from consilium.tools.treatment.model import TrainedModel
from consilium.tools.treatment.report import PLAN_NAMES
from consilium.tools.treatment.shipped import load_network
from consilium.tools.treatment.simulator import DEATH_VOLUME

_SEED = 9_000_000  # far from every seed of training
_LENGTHS_PER_GROUP = 5
_BATCH = 500
_FEWEST = 200  # histories in a cell
_Z = 1.959964
_SCAN_ERRORS = (0.02, 0.05, 0.10)  # relative errors of measured volumes, to be tried
_JUMPS = (10.0, 0.1)  # a volume in the wrong unit, or with a slipped point

Change = Callable[[Floats, RandomState], Floats]


@dataclass(frozen=True)
class _Seen:
    """What the bands of n histories of one length held.

    Parameters
    ----------
    held : (n, 4, 6) whether the truth was in the band, by plan and visit ahead.
    width : (n, 4, 6) upper over lower end.
    radiated : (n,) whether a response to radiotherapy was to be seen in the history.
    noise : (n,) index of the noise it was read with, or UNEXPLAINED.
    """

    visits: int
    held: Flags
    width: Floats
    radiated: Flags
    noise: Indices


def calibrate(model: Model, weights_sha256: str, patients: int, seed: int = _SEED) -> Bands:
    """Fit the bands and measure what they hold.

    Parameters
    ----------
    patients : drawn for each group of history lengths; as many again for measuring.
    """
    random = RandomState(seed)
    drawn = [_draw(group, patients, random) for group in range(len(LENGTHS))]
    usual = [
        float(np.quantile(np.concatenate([_most_surprising(model, p) for p in parts]), USUAL))
        for parts in drawn
    ]
    empty = np.zeros((len(NOISES), len(LENGTHS), 2, CLASSES, HORIZON)).tolist()
    bands = Bands(
        date=date.today().isoformat(),
        command="python -m consilium.tools.treatment.calibrate "
        f"--patients {patients} --seed {seed}",
        weights_sha256=weights_sha256,
        patients_fitted=sum(len(part) for parts in drawn for part in parts),
        usual=[round(value, 4) for value in usual],
        lower=empty,
        upper=empty,
    )
    lower, upper = _fit(model, bands, drawn, random)
    bands = bands.model_copy(update={"lower": lower, "upper": upper})
    drawn = [_draw(group, patients, random) for group in range(len(LENGTHS))]
    measured = measure(model, bands, [part for parts in drawn for part in parts], random)
    return bands.model_copy(update={"measured": measured})


def measure(
    model: Model, bands: Bands, drawn: list[Counterfactuals], random: RandomState
) -> list[Measured]:
    """Coverage as a whole and in parts, under measurement error, and what is declined."""
    seen = [_look(model, bands, part) for part in tqdm(drawn, desc="measuring", unit="")]
    rows = [_coverage("all", seen)]
    rows += [
        _coverage(f"{ahead} visits ahead", seen, ahead=[ahead - 1])
        for ahead in range(1, HORIZON + 1)
    ]
    rows += [_coverage(PLAN_NAMES[plan], seen, plans=[index]) for index, plan in enumerate(PLANS)]
    rows += [
        _coverage(_name(group), [part for part in seen if length_group(part.visits) == group])
        for group in range(len(LENGTHS))
    ]
    rows += [
        _coverage(f"response to radiotherapy {words} in the history", seen, radiated=radiated)
        for words, radiated in (("seen", True), ("not", False))
    ]
    rows += _verdicts("as simulated", seen)
    for error in _SCAN_ERRORS:
        where = f"volumes measured with an error of {100 * error:.0f} %"
        noisy = [_look(model, bands, _changed(part, _scanned(error), random)) for part in drawn]
        rows += [_coverage(where, noisy), *_verdicts(where, noisy)]
    for factor in _JUMPS:
        jumped = [_look(model, bands, _changed(part, _slipped(factor), random)) for part in drawn]
        rows += _verdicts(f"one volume times {factor:g}", jumped)
    return rows


def _name(group: int) -> str:
    least = LENGTHS[group - 1] + 1 if group else 2
    return f"{least} visits" if least == LENGTHS[group] else f"{least} to {LENGTHS[group]} visits"


def _draw(group: int, patients: int, random: RandomState) -> list[Counterfactuals]:
    least = LENGTHS[group - 1] + 1 if group else 2
    lengths = np.unique(np.linspace(least, LENGTHS[group], _LENGTHS_PER_GROUP).astype(int))
    return [draw(int(visits), patients // len(lengths), random) for visits in lengths]


def _predict(model: Model, part: Counterfactuals, noise: Indices) -> Prediction:
    """Predict every history with the noise it was read with; NaN where none explains it."""
    shape = part.outcomes.shape
    prediction = Prediction(np.full(shape, np.nan), np.full(shape, np.nan))
    for index in range(len(NOISES)):
        of_noise = np.flatnonzero(noise == index)
        for start in range(0, len(of_noise), _BATCH):
            rows = of_noise[start : start + _BATCH]
            said = model.ahead(part.volumes[rows], part.treatments[rows], part.plans[rows], index)
            prediction.mean[rows], prediction.sd[rows] = said
    return prediction


def _most_surprising(model: Model, part: Counterfactuals) -> Floats:
    """(n,) largest score of each history."""
    return np.asarray(np.abs(model.scores(part.volumes, part.treatments)).max(axis=1))


def _fit(
    model: Model, bands: Bands, drawn: list[list[Counterfactuals]], random: RandomState
) -> tuple[list[Any], list[Any]]:
    """Quantiles by the cells of `Bands`.

    Those of the simulator's own noise are of the volumes as simulated, those of higher noises mostly of
    volumes measured with errors. A cell with too few histories takes them from a wider one.
    """
    ends = np.zeros((2, len(NOISES), len(LENGTHS), 2, CLASSES, HORIZON))
    for group, parts in enumerate(tqdm(drawn, desc="fitting", unit="")):
        wrong, noise, seen, classes = (
            np.concatenate(values)
            for values in zip(
                *(_errors(model, bands, part) for part in parts),
                *(
                    _errors(model, bands, _changed(part, _scanned(error), random), least=1)
                    for part in parts
                    for error in _SCAN_ERRORS
                ),
                strict=True,
            )
        )
        for index, response, plan_class in product(range(len(NOISES)), range(2), range(CLASSES)):
            of_class = classes == plan_class
            of_noise = of_class & (noise == index)
            cells = (of_noise & (seen == response), of_noise, of_class)
            cell = next((cell for cell in cells if cell.sum() >= _FEWEST), of_class)
            ends[:, index, group, response, plan_class] = quantiles(wrong[cell])
    lower, upper = ends.round(3).tolist()
    return lower, upper


def _errors(
    model: Model, bands: Bands, part: Counterfactuals, least: int = 0
) -> tuple[Floats, Indices, Indices, Indices]:
    """Errors (rows, 6), and noise, response seen and class of each row: a history under one plan.

    Histories read with less than the `least` noise are left out.
    """
    noise = explain_noise(model, bands, part.volumes, part.treatments)
    rows = (least <= noise) & (noise < UNEXPLAINED)
    wrong = errors(_predict(model, part, noise), part.outcomes)[rows]
    times = len(PLANS)
    return (
        wrong.reshape(-1, HORIZON),
        np.repeat(noise[rows], times),
        np.repeat(response_seen(part.treatments)[rows].astype(int), times),
        plan_classes(part.plans)[rows].ravel(),
    )


def _look(model: Model, bands: Bands, part: Counterfactuals) -> _Seen:
    """Forecast as the tool does, and compare with the truth."""
    noise = explain_noise(model, bands, part.volumes, part.treatments)
    low, high = bands.around(
        _predict(model, part, noise), part.treatments, part.plans, noise % UNEXPLAINED
    )
    truth = np.where(part.outcomes < MEASURABLE, 0.0, part.outcomes)
    return _Seen(
        part.volumes.shape[1],
        (low <= truth) & (truth <= high),
        np.maximum(high, MEASURABLE) / np.maximum(low, MEASURABLE),
        response_seen(part.treatments),
        noise,
    )


def _coverage(
    where: str,
    seen: list[_Seen],
    plans: Sequence[int] = range(len(PLANS)),
    ahead: Sequence[int] = range(HORIZON),
    radiated: bool | None = None,
) -> Measured:
    """Share of the truth within the bands that were given; the interval is over patients."""
    shares, widths = [], []
    for part in seen:
        given = part.noise < UNEXPLAINED
        if radiated is not None:
            given &= part.radiated == radiated
        shares.append(part.held[given][:, list(plans)][..., list(ahead)].mean(axis=(1, 2)))
        widths.append(part.width[given][:, list(plans)][..., list(ahead)].ravel())
    share = np.concatenate(shares)
    return _measured(where, share, float(np.median(np.concatenate(widths))))


def _verdicts(where: str, seen: list[_Seen]) -> list[Measured]:
    noise = np.concatenate([part.noise for part in seen])
    return [
        _measured(f"{where}: read with more noise", (noise > 0) & (noise < UNEXPLAINED)),
        _measured(f"{where}: declined", noise == UNEXPLAINED),
    ]


def _measured(where: str, shares: Floats | Flags, width: float | None = None) -> Measured:
    count = len(shares)
    share = float(shares.mean())
    half = _Z * float(shares.std(ddof=1)) / math.sqrt(count)
    return Measured(
        where=where,
        patients=count,
        share=round(share, 4),
        low=round(max(share - half, 0), 4),
        high=round(min(share + half, 1), 4),
        width=None if width is None else round(width, 2),
    )


def _changed(part: Counterfactuals, change: Change, random: RandomState) -> Counterfactuals:
    return replace(part, volumes=change(part.volumes, random))


def _scanned(error: float) -> Change:
    """Volumes as a scan with this relative error would give them."""

    def change(volumes: Floats, random: RandomState) -> Floats:
        measured = volumes * np.exp(error * random.randn(*volumes.shape))
        return np.clip(measured, MEASURABLE, DEATH_VOLUME)

    return change


def _slipped(factor: float) -> Change:
    """One volume of each history, by chance, is wrong by this factor."""

    def change(volumes: Floats, random: RandomState) -> Floats:
        changed = volumes.copy()
        rows = np.arange(len(volumes))
        changed[rows, random.randint(volumes.shape[1], size=len(volumes))] *= factor
        return changed

    return change


def main(
    patients: Annotated[int, typer.Option(min=1000, help="Per group of history lengths.")] = 5000,
    seed: Annotated[int, typer.Option(help="Must not be one of training.")] = _SEED,
    weights: Annotated[Path, typer.Option(help="Folder of the weights and their card.")] = WEIGHTS,
) -> None:
    """Fit the bands of these weights, write them beside the weights and show what they hold."""
    network, card = load_network(weights)
    if isinstance(card.recipe.data, str):
        typer.echo(
            "These weights learned from imported histories: bands measured on simulated patients "
            "need not hold for such patients.",
            err=True,
        )
    bands = calibrate(TrainedModel(network), card.weights_sha256, patients, seed)
    bands.save(weights)
    for row in bands.measured:
        width = "" if row.width is None else f"  width x {row.width:.2f}"
        typer.echo(
            f"{row.where:60} {100 * row.share:5.1f} % ({100 * row.low:.1f} to {100 * row.high:.1f}, "
            f"n = {row.patients}){width}"
        )


if __name__ == "__main__":
    typer.run(main)
