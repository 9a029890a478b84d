"""From log-odds to a probability that may be read as one, with its interval and its words.

Temperature scaling (Guo et al., ICML 2017) with an offset, fitted on validation films that are
weighted so that both classes and all hospitals count alike: the probability is stated for a setting
in which half of the films show pneumonia.
"""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from consilium.tools.imaging.logistic import Numbers, fit_logistic, sigmoid
from consilium.tools.imaging.metrics import patient_rows
from consilium.tools.imaging.report import FilmLevel

_Z95 = 1.96
_RIDGE = 1e-3  # keeps a resample that separates the classes from running away
_DRAWS = 300
_ERROR = 0.05


class Calibration(BaseModel):
    """Fitted on validation films and kept in the card.

    Parameters
    ----------
    scale, offset : calibrated log-odds = scale * log-odds + offset; 1 / scale is the temperature.
    covariance : of (scale, offset), over resampled validation patients.
    threshold : probability that separates the classes best on validation (balanced accuracy).
    likely_from : from here on it reads "likely", as at most 5 % of normal validation films do.
    unlikely_below : below this it reads "unlikely", as at most 5 % of the pneumonias do.
    """

    model_config = ConfigDict(frozen=True)

    scale: float
    offset: float
    covariance: tuple[tuple[float, float], tuple[float, float]]
    threshold: float = 0.5
    likely_from: float = 0.5
    unlikely_below: float = 0.5

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
        patients (delta method), and how much the answer moves when the film is shifted, zoomed or
        turned a little. It holds no others, above all not a hospital or age group that the reader
        did not learn from; it is no promise that 95 % of patients fall inside.
        """
        (var_scale, both), (_, var_offset) = self.covariance
        variance = logits**2 * var_scale + 2 * logits * both + var_offset
        half = _Z95 * np.sqrt(variance.clip(0) + (self.scale * spread) ** 2)
        middle = self.scale * logits + self.offset
        return sigmoid(middle - half), sigmoid(middle + half)

    def level(self, probability: float) -> FilmLevel:
        """Return how a probability reads."""
        if probability >= self.likely_from:
            return "likely"
        return "unlikely" if probability < self.unlikely_below else "indeterminate"


def fit_calibration(
    labels: Numbers,
    logits: Numbers,
    weights: Numbers,
    sites: Sequence[str],
    patients: Sequence[str],
) -> Calibration:
    """Fit on validation films.

    Parameters
    ----------
    labels, logits : (n,) 1.0 = pneumonia; uncalibrated log-odds.
    weights : (n,) weights that make the classes count alike, see `data.FilmSet.class_weights`.
    sites : hospital of each film; each hospital counts the same, however many films it gave.
    patients : drawn as wholes for the covariance.
    """
    place = np.unique(np.asarray(sites), return_inverse=True)[1]
    films_at = np.bincount(place)
    even = weights * len(labels) / (len(films_at) * films_at[place])
    scale, offset = _fit(labels, logits, even)
    draws = [
        _fit(labels[rows], logits[rows], even[rows])
        for rows in patient_rows(patients, _DRAWS, seed=0)
    ]
    (a, b), (c, d) = np.cov(np.array(draws).T).tolist()
    probability = sigmoid(scale * logits + offset)
    normal, ill = labels == 0, labels == 1
    threshold = _best_threshold(labels, probability, even)
    likely = _quantile(probability[normal], even[normal], 1 - _ERROR)
    unlikely = _quantile(probability[ill], even[ill], _ERROR)
    return Calibration(
        scale=scale,
        offset=offset,
        covariance=((a, b), (c, d)),
        threshold=threshold,
        likely_from=max(likely, threshold),
        unlikely_below=min(unlikely, threshold),
    )


def _fit(labels: Numbers, logits: Numbers, weights: Numbers) -> tuple[float, float]:
    design = np.stack([logits, np.ones_like(logits)], axis=1)
    scale, offset = fit_logistic(design, labels, weights, np.array([1.0, 0.0]), _RIDGE)
    return float(scale), float(offset)


def _best_threshold(labels: Numbers, scores: Numbers, weights: Numbers) -> float:
    order = np.argsort(scores)
    ill = (weights * labels)[order].cumsum() / (weights * labels).sum()
    normal = (weights * (1 - labels))[order].cumsum() / (weights * (1 - labels)).sum()
    best = int(np.argmax((normal - ill)[:-1]))
    return float(scores[order][best : best + 2].mean())


def _quantile(values: Numbers, weights: Numbers, share: float) -> float:
    order = np.argsort(values)
    reached = weights[order].cumsum() / weights.sum()
    return float(values[order][min(int(np.searchsorted(reached, share)), len(values) - 1)])
