"""Bands that hold the true volume nine times in ten, and whether a history is one that they can be given for.

Split conformal prediction (Papadopoulos et al. 2002; by groups as in Vovk et al. 2005, section 4.5): on
simulated patients that nobody trained on, the error of the forecast in log volume, counted in the
model's own standard deviations, has its 5 % and 95 % quantiles taken within groups: visits of the
history, whether it shows a response to radiotherapy, plan, and visit ahead. They are fitted, measured on
other patients, and written by `calibrate`.

The same patients show how much a single visit may surprise the model. A history with a visit more
surprising than 99 in 100 simulated ones have is read again by the model with twice the daily noise, four
times, and so on, until it is surprising no more; each such noise has its own bands, fitted on volumes
with measurement errors. A history that no noise explains gets no forecast.
"""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from consilium.tools.treatment.history import (
    CHEMOTHERAPY,
    MEASURABLE,
    RADIOTHERAPY,
    Floats,
)
from consilium.tools.treatment.simulator import DEATH_VOLUME

BANDS_FILE = "bands.json"
LEVEL = 0.9
USUAL = 0.99  # of the histories stay below the surprise that is called usual
NOISES = (1.0, 2.0, 4.0, 8.0, 16.0)  # times the simulator's, with which a history is read
UNEXPLAINED = len(NOISES)  # in place of an index of NOISES
LENGTHS = (2, 3, 4, 5, 7, 10, 20, 60)  # most visits of each group of histories
CLASSES = 6
_SMALLEST_SD = 1e-3
_LOG_BEYOND_DEATH = 10.0  # any larger one is as good
_LIST_OF_NUMBERS = re.compile(r"\[\s+([-+.e\d,\s]+?)\s+\]")  # written on one line

Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Prediction(NamedTuple):
    """What the model says of n histories under p plans, h visits ahead.

    Parameters
    ----------
    mean : (n, p, h) volume, cm3.
    sd : (n, p, h) standard deviation of the logarithm of the volume, by the model's own account.
    """

    mean: Floats
    sd: Floats


class Measured(BaseModel):
    """A share of patients with its 95 % interval.

    Parameters
    ----------
    where : which patients, plans and visits ahead.
    patients : how many. share, low, high : 0 to 1.
    width : median of upper over lower end of the bands, where bands are measured.
    """

    model_config = ConfigDict(frozen=True)

    where: str
    patients: int
    share: float
    low: float
    high: float
    width: float | None = None


class Bands(BaseModel):
    """Fitted bands.

    Parameters
    ----------
    weights_sha256 : the weights they were fitted for.
    lower, upper : quantiles of the error of the log volume, in the model's standard deviations, by
        [noise][group by visits][response to radiotherapy seen][class by plan][visit ahead].
    usual : per group by visits, the surprise that 99 in 100 histories stay below.
    measured : coverage and verdicts, on patients that were used neither for training nor for fitting.
    """

    model_config = ConfigDict(frozen=True)

    date: str
    command: str
    weights_sha256: str
    patients_fitted: int
    usual: list[float]
    measured: list[Measured] = []
    lower: list[list[list[list[list[float]]]]]
    upper: list[list[list[list[list[float]]]]]

    def around(
        self, prediction: Prediction, treatments: Floats, plans: Floats, noise: Indices
    ) -> tuple[Floats, Floats]:
        """Lower and upper ends (n, p, 6) of the bands, cm3; 0 where below MEASURABLE.

        Parameters
        ----------
        prediction : (n, p, 6), made with that noise.
        treatments, plans : (n, T, 2) of the histories, (n, p, 6, 2) from the last visit on.
        noise : (n,) index of NOISES with which each history was read.
        """
        cells = (
            noise[:, None],
            length_group(treatments.shape[1]),
            response_seen(treatments).astype(int)[:, None],
            plan_classes(plans),
        )
        lower, upper = np.array(self.lower)[cells], np.array(self.upper)[cells]
        log_mean, sd = _on_log_scale(prediction)
        # The mean of a skewed forecast may lie outside its own 5 to 95 %; the band then reaches up to it.
        low = _exp(log_mean + np.minimum(lower, 0) * sd)
        high = _exp(log_mean + np.maximum(upper, 0) * sd)
        return np.where(low <= MEASURABLE, 0.0, low), high

    def surprise(self, scores: Floats) -> Floats:
        """How surprising each of (n, T - 1) scores is; 99 in 100 histories have none above 1."""
        return np.abs(scores) / self.usual[length_group(scores.shape[1] + 1)]

    def save(self, folder: Path) -> None:
        """Write them beside the weights."""
        text = _LIST_OF_NUMBERS.sub(
            lambda found: f"[{', '.join(found[1].split())}]".replace(",,", ","),
            self.model_dump_json(indent=1),
        )
        (folder / BANDS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Bands":
        """Read the bands beside the weights.

        Raises
        ------
        OSError, ValueError
            If they are missing or are no bands.
        """
        return cls.model_validate_json((folder / BANDS_FILE).read_text(encoding="utf-8"))


def length_group(visits: int) -> int:
    """Index of the group of histories of so many visits."""
    return next(index for index, most in enumerate(LENGTHS) if visits <= most)


def response_seen(treatments: Floats) -> Flags:
    """(n,) whether the (n, T, 2) treatments hold radiotherapy whose response the next volume shows."""
    return np.asarray(treatments[:, :-1, RADIOTHERAPY].any(axis=1))


def plan_classes(plans: Floats) -> Indices:
    """Class (n, p) of (n, p, 6, 2) treatments from the last visit on.

    What counts is chemotherapy after now, and radiotherapy never, only now (as recorded), or throughout.
    """
    radio, chemo = plans[..., RADIOTHERAPY], plans[..., CHEMOTHERAPY]
    often = radio[..., 0].astype(int) + radio[..., 1].astype(int)
    return np.asarray(2 * often + chemo[..., 1].astype(int))


def errors(prediction: Prediction, truth: Floats) -> Floats:
    """(n, p, h) errors of the log volume in the model's standard deviations.

    A volume too small to be measured counts as the smallest that can be.
    """
    log_mean, sd = _on_log_scale(prediction)
    return np.asarray((np.log(np.maximum(truth, MEASURABLE)) - log_mean) / sd)


def quantiles(values: Floats) -> tuple[Floats, Floats]:
    """Lower and upper conformal quantile of the errors (n, ...) of one group, along the first axis."""
    count = len(values)
    tail = (1 - LEVEL) / 2
    ranked = np.sort(values, axis=0)
    lower = max(int(np.floor(tail * (count + 1))) - 1, 0)
    upper = min(int(np.ceil((1 - tail) * (count + 1))) - 1, count - 1)
    return ranked[lower], ranked[upper]


def _on_log_scale(prediction: Prediction) -> tuple[Floats, Floats]:
    mean = np.clip(prediction.mean, MEASURABLE, DEATH_VOLUME)
    return np.log(mean), np.maximum(prediction.sd, _SMALLEST_SD)


def _exp(logarithm: Floats) -> Floats:
    """Volumes of these logarithms, at most DEATH_VOLUME."""
    return np.minimum(np.exp(np.minimum(logarithm, _LOG_BEYOND_DEATH)), DEATH_VOLUME)
