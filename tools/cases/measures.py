"""Figures of the evaluation: a value, its 95 % interval and n."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from consilium.tools.imaging.metrics import auc, patient_bootstrap
from consilium.tools.interval import wilson

DEPTH = 10  # of nDCG
_DRAWS = 1000  # of the bootstrap

Floats = npt.NDArray[np.float64]


class Figure(BaseModel):
    """A measured value with its 95 % interval."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float
    n: int


Figures = dict[str, Figure]


def ranked(hits: Floats, relevant: int) -> tuple[float, ...]:
    """P@5, P@1 and nDCG@10 of one request (Järvelin 2002, ACM Trans Inf Syst 20:422)."""
    gains = np.zeros(DEPTH)
    gains[: len(hits)] = hits
    discounts = 1 / np.log2(np.arange(2, DEPTH + 2))
    ideal = discounts[: min(DEPTH, relevant)].sum()
    return gains[:5].mean(), gains[0], float(gains @ discounts / ideal) if relevant else 0.0


def rankings(scores: Sequence[tuple[float, ...]]) -> Figures:
    """Means of what `ranked` gave for each request."""
    columns = np.array(scores).T
    return {
        name: mean(column) for name, column in zip(("P@5", "P@1", "nDCG@10"), columns, strict=True)
    }


def share(right: Sequence[bool]) -> Figure:
    """Share of what is right, with Wilson's interval."""
    low, high = wilson(sum(right), len(right))
    return Figure(
        value=round(sum(right) / len(right), 4),
        low=round(low, 4),
        high=round(high, 4),
        n=len(right),
    )


def mean(values: Floats) -> Figure:
    """Mean of the values [n], with an interval from the bootstrap."""
    rng = np.random.default_rng(0)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(_DRAWS)]
    return _figure(float(values.mean()), np.percentile(means, (2.5, 97.5)), len(values))


def area(labels: Floats, scores: Floats) -> Figure:
    """Area under the ROC curve of labels [n] (0 or 1) and scores [n], with an interval from the bootstrap."""
    everyone = [str(i) for i in range(len(labels))]
    interval = patient_bootstrap(auc, labels, scores, everyone, _DRAWS)
    return _figure(auc(labels, scores), interval, len(labels))


def _figure(value: float, interval: Sequence[float] | Floats, count: int) -> Figure:
    low, high = (round(float(limit), 4) for limit in interval)
    return Figure(value=round(value, 4), low=low, high=high, n=count)
