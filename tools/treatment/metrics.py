"""The benchmark's error and its variants, with intervals over resampled patients.

The normalised error is 100 x RMSE / 1150.35 cm3, in %. The benchmark lays every question out as a row that also
repeats the history before it, and averages the squared error over the rows at each day, then over the days:
that is `original`, the published figure. `pooled` averages over all entries at once; `counterfactual` over
the asked entries alone.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import RandomState
from pydantic import BaseModel, ConfigDict

from consilium.tools.treatment.protocol import OneStepTest, SequenceTest
from consilium.tools.treatment.simulator import DEATH_VOLUME, Array, Flags

_RESAMPLES = 500
_SEED = 7
_SAME = 1e-9  # cm3; plans whose volumes differ by less are equally good


class Estimate(BaseModel):
    """A value with its 95 % interval over resampled patients."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float


class OneStepErrors(BaseModel):
    """Normalised errors one step ahead, %."""

    model_config = ConfigDict(frozen=True)

    original: Estimate
    pooled: Estimate
    counterfactual: Estimate


class Ranking(BaseModel):
    """How well plans are ranked by their volume at the end.

    Parameters
    ----------
    questions : days of a course on which plans were compared.
    best_first : how often the plan that the model puts first is truly best, 0 to 1.
    regret : volume under that plan minus volume under the truly best one, cm3.
    regret_by_chance : the same for a plan drawn by chance.
    """

    model_config = ConfigDict(frozen=True)

    questions: int
    best_first: Estimate
    regret: Estimate
    regret_by_chance: Estimate


def one_step_errors(test: OneStepTest, predicted: Array) -> OneStepErrors:
    """Errors of (patients, days, 4) predictions."""
    asked_days = predicted.shape[1]
    days, last = np.arange(asked_days), test.courses.last[:, None]
    asked = days < last
    squared = np.where(asked[..., None], (predicted - test.outcomes) ** 2, 0)
    chemo, radio = test.courses.chemo[:, :asked_days], test.courses.radio[:, :asked_days]
    given = 2 * chemo + radio.astype(int)
    own = np.take_along_axis(squared, given[..., None], axis=2)[..., 0]
    # A day stands in the four rows of each later question of its course, and in its own four.
    later = np.where(asked, 4 * (last - 1 - days), 0)
    total, count = later * own + squared.sum(axis=2), later + 4 * asked
    return OneStepErrors(
        original=_estimate(_by_day, total, count),
        pooled=_estimate(_overall, total.sum(axis=1), count.sum(axis=1)),
        counterfactual=_estimate(_overall, squared.sum(axis=(1, 2)), 4 * asked.sum(axis=1)),
    )


def sequence_errors(test: SequenceTest, predicted: Array) -> list[Estimate]:
    """Errors of (patients, days, plans, 5) predictions for each step from two steps ahead on."""
    kept = ~np.isnan(test.outcomes)
    squared = np.where(kept, (predicted - np.nan_to_num(test.outcomes)) ** 2, 0)
    total, count = squared.sum(axis=(1, 2)), kept.sum(axis=(1, 2))
    return [_estimate(_overall, total[:, step], count[:, step]) for step in range(total.shape[1])]


def ranking(test: SequenceTest, predicted: Array) -> Ranking:
    """Compare the plans of each day by their volume at the last step, as predicted and as true."""
    true, predicted = test.outcomes[..., -1], predicted[..., -1]
    whole: Flags = np.asarray(np.isfinite(true).all(axis=-1))  # every plan has a true volume
    true = np.where(whole[..., None], true, 0)
    least = true.min(axis=-1)
    chosen = np.take_along_axis(true, predicted.argmin(axis=-1)[..., None], axis=-1)[..., 0]
    count = whole.sum(axis=1)
    best = ((chosen <= least + _SAME) & whole).sum(axis=1)
    return Ranking(
        questions=int(count.sum()),
        best_first=_estimate(_mean, best, count),
        regret=_estimate(_mean, (chosen - least).sum(axis=1), count),
        regret_by_chance=_estimate(_mean, (true.mean(axis=-1) - least).sum(axis=1), count),
    )


def _percent(mean_square: Array) -> Array:
    return 100 / DEATH_VOLUME * np.sqrt(mean_square)


def _by_day(total: Array, count: Array) -> Array:
    with np.errstate(invalid="ignore"):  # a day that nobody resampled reached
        return _percent(np.nanmean(total / count, axis=-1))


def _overall(total: Array, count: Array) -> Array:
    return _percent(_mean(total, count))


def _mean(total: Array, count: Array) -> Array:
    with np.errstate(invalid="ignore"):  # nothing asked of any resampled patient
        return total / count


def _estimate(statistic: Callable[[Array, Array], Array], total: Array, count: Array) -> Estimate:
    """A statistic of sums over patients (axis 0), and its interval when patients are drawn again."""
    total, count = total.astype(float), count.astype(float)
    random = RandomState(_SEED)
    times = random.multinomial(len(total), np.full(len(total), 1 / len(total)), _RESAMPLES)
    value = statistic(total.sum(axis=0), count.sum(axis=0))
    low, high = np.nanquantile(statistic(times @ total, times @ count), (0.025, 0.975))
    return Estimate(value=float(value), low=float(low), high=float(high))
