"""How good a reader is: discrimination, calibration, and how sure we are of either.

Scores are probabilities of pneumonia, or how far these lie above an operating point; labels are
1.0 = pneumonia and 0.0 = normal.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from consilium.tools.imaging.logistic import Numbers

Metric = Callable[[Numbers, Numbers], float]


def auc(labels: Numbers, scores: Numbers) -> float:
    """Area under the ROC curve: how often a pneumonia outscores a normal film, ties counting half.

    NaN where one class is missing.
    """
    positive, negative = scores[labels == 1], scores[labels == 0]
    if not len(positive) or not len(negative):
        return float("nan")
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")
    not_above = np.searchsorted(ordered, positive, "right")
    return float((below + not_above).sum() / (2 * len(positive) * len(negative)))


def accuracy(labels: Numbers, scores: Numbers, threshold: float = 0.0) -> float:
    """Share of the films on the right side of the threshold."""
    return float(((scores >= threshold) == (labels == 1)).mean())


def share(_: Numbers, held: Numbers) -> float:
    """Share of films of which something holds (1.0)."""
    return float(held.mean())


def sensitivity(labels: Numbers, scores: Numbers, threshold: float = 0.0) -> float:
    """Share of the pneumonias at or above the threshold."""
    return float((scores[labels == 1] >= threshold).mean()) if (labels == 1).any() else float("nan")


def specificity(labels: Numbers, scores: Numbers, threshold: float = 0.0) -> float:
    """Share of the normal films below the threshold."""
    return float((scores[labels == 0] < threshold).mean()) if (labels == 0).any() else float("nan")


def balanced_accuracy(labels: Numbers, scores: Numbers, threshold: float = 0.0) -> float:
    """Mean of sensitivity and specificity."""
    return (sensitivity(labels, scores, threshold) + specificity(labels, scores, threshold)) / 2


def brier(labels: Numbers, scores: Numbers) -> float:
    """Mean squared difference of probability and label (0 is perfect)."""
    return float(((scores - labels) ** 2).mean())


def calibration_error(labels: Numbers, scores: Numbers, bins: int = 10) -> float:
    """Expected calibration error over bins of equal width (Guo et al., ICML 2017)."""
    place = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = [
        (place == b).mean() * abs(labels[place == b].mean() - scores[place == b].mean())
        for b in range(bins)
        if (place == b).any()
    ]
    return float(sum(gaps))


def patient_rows(patients: Sequence[str], draws: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """Yield the rows of resampled data, drawing whole patients with replacement."""
    rng = np.random.default_rng(seed)
    owner = np.unique(np.asarray(patients), return_inverse=True)[1]
    ends = np.cumsum(np.bincount(owner))[:-1]
    rows_of = np.split(np.argsort(owner, kind="stable"), ends)
    for _ in range(draws):
        yield np.concatenate([rows_of[p] for p in rng.integers(len(rows_of), size=len(rows_of))])


def patient_bootstrap(
    metric: Metric, labels: Numbers, scores: Numbers, patients: Sequence[str], draws: int = 2000
) -> tuple[float, float]:
    """95 % percentile interval of a metric over resampled patients; the same on every run."""
    values = [metric(labels[rows], scores[rows]) for rows in patient_rows(patients, draws, seed=0)]
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return float(low), float(high)
