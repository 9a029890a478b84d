"""From log-odds to a probability that may be read as one, its interval, its words, and its coverage.

Temperature scaling (Guo et al., ICML 2017) with an offset, fitted on validation films weighted so that
both classes count alike: the probability is stated for a setting in which half of the films show
pneumonia. The words are a conformal prediction set (Vovk; here split conformal within each class). Each
hospital's films are calibrated on their own.
"""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from consilium.tools.imaging.logistic import Numbers, fit_logistic, sigmoid
from consilium.tools.imaging.metrics import balanced_accuracy, patient_rows
from consilium.tools.imaging.report import FilmLevel

COVERAGE = 0.9
_Z95 = 1.96
_RIDGE = 1e-3  # keeps a resample that separates the classes from running away
_DRAWS = 300


class Calibration(BaseModel):
    """Fitted on validation films of one hospital and kept in the card.

    Parameters
    ----------
    scale, offset : calibrated log-odds = scale * log-odds + offset; 1 / scale is the temperature.
    covariance : of (scale, offset), over resampled validation patients.
    threshold : the operating point, a probability; see `operating_point`.
    pneumonia_from : 90 % of the validation pneumonias have at least this probability.
    normal_to : 90 % of the normal validation films have at most this probability.
    """

    model_config = ConfigDict(frozen=True)

    scale: float
    offset: float
    covariance: tuple[tuple[float, float], tuple[float, float]]
    threshold: float = 0.5
    pneumonia_from: float = 0.5
    normal_to: float = 0.5

    def probability(self, logits: Numbers) -> Numbers:
        """Return calibrated probabilities, 0 to 1."""
        return sigmoid(self.scale * logits + self.offset)

    def interval(self, logits: Numbers, spread: Numbers) -> tuple[Numbers, Numbers]:
        """Return the 95 % interval of the probability.

        Parameters
        ----------
        logits, spread : mean and standard deviation of the log-odds over a film's fixed views.

        Notes
        -----
        It holds two sources of doubt: the calibration, fitted on a finite number of validation
        patients (delta method), and how much the answer moves when the film is shifted, zoomed,
        turned or exposed a little differently. It holds no others, above all not a hospital or age
        group that the reader did not learn from; it is no promise that 95 % of patients fall inside.
        """
        (var_scale, both), (_, var_offset) = self.covariance
        variance = logits**2 * var_scale + 2 * logits * both + var_offset
        half = _Z95 * np.sqrt(variance.clip(0) + (self.scale * spread) ** 2)
        middle = self.scale * logits + self.offset
        return sigmoid(middle - half), sigmoid(middle + half)

    def level(self, probability: float) -> FilmLevel:
        """Return how a probability reads: which labels the conformal set holds.

        "likely" where it holds pneumonia alone, "unlikely" where it holds normal alone,
        "indeterminate" where it holds both or, between two well separated classes, neither.
        """
        as_pneumonia = probability >= self.pneumonia_from
        as_normal = probability <= self.normal_to
        if as_pneumonia == as_normal:
            return "indeterminate"
        return "likely" if as_pneumonia else "unlikely"

    def covered(self, labels: Numbers | float, probability: Numbers | float) -> Numbers:
        """Return (n,) 1.0 where the conformal set holds the label; promised for 90 % of each class."""
        held = np.where(
            labels == 1, probability >= self.pneumonia_from, probability <= self.normal_to
        )
        return held.astype(np.float64)


def fit_calibration(
    labels: Numbers, logits: Numbers, weights: Numbers, patients: Sequence[str]
) -> Calibration:
    """Fit on validation films of one hospital.

    Parameters
    ----------
    labels, logits : (n,) 1.0 = pneumonia; uncalibrated log-odds.
    weights : (n,) weights that make the classes count alike, see `data.FilmSet.class_weights`.
    patients : drawn as wholes for the covariance and the operating point.
    """
    scale, offset = _fit(labels, logits, weights)
    rows_of = list(patient_rows(patients, _DRAWS, seed=0))
    draws = [_fit(labels[rows], logits[rows], weights[rows]) for rows in rows_of]
    (a, b), (c, d) = np.cov(np.array(draws).T).tolist()
    probability = sigmoid(scale * logits + offset)
    return Calibration(
        scale=scale,
        offset=offset,
        covariance=((a, b), (c, d)),
        threshold=operating_point(labels, probability, patients),
        pneumonia_from=-_conformal(-probability[labels == 1]),
        normal_to=_conformal(probability[labels == 0]),
    )


def operating_point(labels: Numbers, probability: Numbers, patients: Sequence[str]) -> float:
    """Return the highest threshold whose balanced accuracy is within one standard error of the best.

    The one-standard-error rule (Breiman et al., 1984), resolved towards specificity: readers of these
    films are known to call too many normal films pneumonia, most of all on films made elsewhere.
    """
    ordered = np.unique(probability)
    candidates = (ordered[1:] + ordered[:-1]) / 2 if len(ordered) > 1 else ordered
    accuracies = np.array([balanced_accuracy(labels, probability, c) for c in candidates])
    best = int(accuracies.argmax())
    draws = [
        balanced_accuracy(labels[rows], probability[rows], candidates[best])
        for rows in patient_rows(patients, _DRAWS, seed=1)
    ]
    enough = accuracies >= accuracies[best] - np.nanstd(draws)
    return float(candidates[np.flatnonzero(enough)[-1]])


def _conformal(scores: Numbers) -> float:
    """The smallest score that a new one stays at or below in at least 90 % of the cases."""
    rank = int(np.ceil((len(scores) + 1) * COVERAGE)) - 1
    return float(np.sort(scores)[min(rank, len(scores) - 1)])


def _fit(labels: Numbers, logits: Numbers, weights: Numbers) -> tuple[float, float]:
    design = np.stack([logits, np.ones_like(logits)], axis=1)
    scale, offset = fit_logistic(design, labels, weights, np.array([1.0, 0.0]), _RIDGE)
    return float(scale), float(offset)
