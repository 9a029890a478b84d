"""How good predicted risks are when people leave early and die of other causes.

A person counts as an event if it came within the horizon, and as none if known to be free of it then, or dead of
another cause before: the absolute risk that a prediction states. Who was censored before the horizon counts through
those like them: weights are inverse probabilities of being still observed (IPCW; Graf et al., Stat Med 1999;18:2529;
Blanche et al., Stat Med 2013;32:5381 for the AUC with competing deaths).

Every metric takes `times`, how often each person is drawn, shape (draws, people), and returns one value per draw: a
bootstrap is one call with many draws, the plain figure one with a single row of ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
from lifelines import KaplanMeierFitter
from numpy.typing import NDArray

from consilium.tools.risk.data import CENSORED, EVENT, Cohort
from consilium.tools.risk.person import Flags, Numbers

THRESHOLDS = (0.075, 0.10)
_CLIP = 1e-6
_NEWTON = 25
_CLOSE = 1e-5
_BLOCK = 256  # cases at a time


@dataclass(frozen=True)
class Outcomes:
    """What became of people by a horizon.

    Parameters
    ----------
    years, status : (people,) as in `Cohort`.
    event : (people,) 1.0 where the event came within the horizon, else 0.0.
    weight : (people,) IPCW weight; 0 for who was censored before the horizon.
    horizon : years.
    """

    years: Numbers
    status: NDArray[np.int64]
    event: Numbers
    weight: Numbers
    horizon: float

    def where(self, keep: Flags) -> "Outcomes":
        """The people for whom `keep` is true, with their weights as they are."""
        return Outcomes(
            self.years[keep],
            self.status[keep],
            self.event[keep],
            self.weight[keep],
            self.horizon,
        )

    def __len__(self) -> int:
        return len(self.years)


def outcomes(cohort: Cohort, horizon: float) -> Outcomes:
    """Outcomes of a cohort by the horizon, with weights from its own censoring (Kaplan-Meier)."""
    censoring = KaplanMeierFitter().fit(cohort.years, cohort.status == CENSORED)
    ended = (cohort.status != CENSORED) & (cohort.years <= horizon)
    known = ended | (cohort.years >= horizon)
    # Just before the end: a censoring at the very same time comes after it.
    at = np.nextafter(np.minimum(cohort.years, horizon), 0)
    observed = censoring.survival_function_at_times(at).to_numpy(np.float64)
    weight = np.where(known, 1 / observed.clip(_CLIP), 0)
    event = ended & (cohort.status == EVENT)
    return Outcomes(cohort.years, cohort.status, event.astype(np.float64), weight, horizon)


Times = NDArray[np.float32]
Metric = Callable[[Outcomes, Numbers, Times], Numbers]


def auc(truth: Outcomes, risk: Numbers, times: Times) -> Numbers:
    """Area under the ROC curve at the horizon: how often an event had the higher risk."""
    cases, others = truth.event == 1, (truth.event == 0) & (truth.weight > 0)
    drawn = times * truth.weight
    rivals = drawn[:, others]
    return _concordant(
        risk[cases],
        risk[others],
        drawn[:, cases],
        rivals,
        lambda chosen: np.ones((len(chosen), others.sum()), bool),
    )


def c_index(truth: Outcomes, risk: Numbers, times: Times) -> Numbers:
    """Harrell's C up to the horizon: of two people, the one with the earlier event had the higher risk.

    Whoever died of another cause can no longer have the event and stays comparable (Wolbers et al., Epidemiology
    2009;20:555).
    """
    cases = truth.event == 1
    ends = np.where((truth.status == CENSORED) | (truth.status == EVENT), truth.years, np.inf)
    tied = truth.status == CENSORED  # censored at the time of the event: outlived it
    starts = truth.years[cases]

    def comparable(chosen: NDArray[np.intp]) -> Flags:
        at = starts[chosen, None]
        later: Flags = (ends > at) | (tied & (ends == at))
        return later

    return _concordant(risk[cases], risk, times[:, cases], times, comparable)


def _concordant(
    cases: Numbers,
    others: Numbers,
    case_times: NDArray[np.floating],
    other_times: NDArray[np.floating],
    comparable: Callable[[NDArray[np.intp]], Flags],
) -> Numbers:
    """Share of the comparable pairs in which the case has the higher risk, ties counting half."""
    right, pairs = np.zeros(len(case_times)), np.zeros(len(case_times))
    drawn = other_times.T.astype(np.float32)
    for chosen in np.split(np.arange(len(cases)), range(_BLOCK, len(cases), _BLOCK)):
        may = comparable(chosen)
        mine, theirs = cases[chosen, None], others[None]
        wins = may * ((mine > theirs) + 0.5 * (mine == theirs)).astype(np.float32)
        weights = case_times[:, chosen].T
        right += (weights * (wins @ drawn)).sum(axis=0)
        pairs += (weights * (may.astype(np.float32) @ drawn)).sum(axis=0)
    with np.errstate(invalid="ignore"):
        share: Numbers = right / pairs
    return share


def brier(truth: Outcomes, risk: Numbers, times: Times) -> Numbers:
    """Mean squared difference of risk and outcome (0 is perfect)."""
    return _mean((risk - truth.event) ** 2, truth, times)


def expected_over_observed(truth: Outcomes, risk: Numbers, times: Times) -> Numbers:
    """Mean predicted risk over the observed share of events (1 is right, above 1 too high)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Numbers = _mean(risk, truth, times) / _mean(truth.event, truth, times)
    return ratio


def calibration_intercept(truth: Outcomes, risk: Numbers, times: Times) -> Numbers:
    """Calibration in the large: log-odds to add to every prediction (0 is right, below 0 too high)."""
    return _recalibrated(truth, risk, times, slope=False)


def calibration_slope(truth: Outcomes, risk: Numbers, times: Times) -> Numbers:
    """Slope of the outcome on the predicted log-odds (1 is right, below 1 too extreme)."""
    return _recalibrated(truth, risk, times, slope=True)


def _recalibrated(truth: Outcomes, risk: Numbers, times: Times, *, slope: bool) -> Numbers:
    """Intercept, or slope, of the weighted logistic regression of outcome on predicted log-odds."""
    known = truth.weight > 0
    p = risk[known].clip(_CLIP, 1 - _CLIP)
    logit = np.log(p / (1 - p))
    center = float(logit.mean())
    x, y, drawn = logit - center, truth.event[known], (times * truth.weight)[:, known]
    # Every draw starts from the solution for everyone: a few of Newton's steps are left.
    start = _newton(x, y, truth.weight[None, known], np.array([center]), np.ones(1), slope=slope)
    a, b = (np.full(len(times), float(value[0])) for value in start)
    a, b = _newton(x, y, drawn, a, b, slope=slope)
    found: Numbers = b if slope else a - center
    found[(drawn @ y) == 0] = np.nan
    return found


def _newton(
    x: Numbers, y: Numbers, weights: Numbers, a: Numbers, b: Numbers, *, slope: bool
) -> tuple[Numbers, Numbers]:
    """Newton's method for logit P(y) = a + b x, one regression for each row of weights; b is fixed unless `slope`."""
    for _ in range(_NEWTON):
        fitted = 1 / (1 + np.exp(-(a[:, None] + b[:, None] * x)))
        gap, curve = weights * (y - fitted), weights * fitted * (1 - fitted)
        g0, h00 = gap.sum(axis=1), curve.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            if slope:
                g1, h01, h11 = gap @ x, curve @ x, curve @ x**2
                det = h00 * h11 - h01**2
                step_a, step_b = (h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det
            else:
                step_a, step_b = g0 / h00, np.zeros_like(b)
        a, b = a + step_a.clip(-2, 2), b + step_b.clip(-2, 2)
        if np.nanmax(np.abs([step_a, step_b]), initial=0) < _CLOSE:
            break
    return a, b


def net_benefit(truth: Outcomes, risk: Numbers, times: Times, threshold: float) -> Numbers:
    """Net true positives per person if everyone at or above the threshold is treated (Vickers & Elkin 2006)."""
    treated = risk >= threshold
    odds = threshold / (1 - threshold)
    return _mean(treated * (truth.event - odds * (1 - truth.event)), truth, times)


def _mean(values: Numbers, truth: Outcomes, times: Times) -> Numbers:
    drawn = times * truth.weight
    with np.errstate(invalid="ignore"):
        mean: Numbers = (drawn @ values) / drawn.sum(axis=1)
    return mean


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "AUC": auc,
        "C-index": c_index,
        "calibration slope": calibration_slope,
        "calibration intercept": calibration_intercept,
        "expected/observed": expected_over_observed,
        "Brier": brier,
        **{f"net benefit at {t:.1%}": partial(net_benefit, threshold=t) for t in THRESHOLDS},
    }
)


def draws(people: int, count: int, seed: int) -> Times:
    """How often each of `count` bootstrap samples holds each person, shape (count, people)."""
    rng = np.random.default_rng(seed)
    each = np.full(people, 1 / people)
    return rng.multinomial(people, each, size=count).astype(np.float32)
