"""One patient's past as the model takes it: volumes and what was given after each of them, checked.

Timing is the simulator's: at each visit the volume is measured first, then treatment is given, which
acts on the volume of the next visit. Treatment at the last visit is thus given "now". Nothing is
clipped or repaired here: a value that cannot be right is refused with a sentence that says what to do.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilium.tools.contract import ToolError
from consilium.tools.treatment.contract import Plan, SimulateTreatment
from consilium.tools.treatment.simulator import DEATH_VOLUME

TREATMENTS = ("chemotherapy", "radiotherapy")  # columns of every treatment array
CHEMOTHERAPY, RADIOTHERAPY = 0, 1
GIVEN: dict[Plan, tuple[int, int]] = {
    "none": (0, 0),
    "chemotherapy": (1, 0),
    "radiotherapy": (0, 1),
    "chemoradiotherapy": (1, 1),
}

MEASURABLE = 0.01  # cm3, a ball of 2.7 mm; the forecast is calibrated from there on

Floats = NDArray[np.float64]

_WHOLE_MM = (3, 130)  # diameters between 3 mm and the simulator's death diameter


@dataclass(frozen=True)
class History:
    """A checked history of T >= 2 visits.

    Parameters
    ----------
    volumes : (T,) cm3, oldest first, from MEASURABLE to below the simulator's death volume.
    treatments : (T, 2) 0 or 1: chemotherapy and radiotherapy given after the volume was measured.
    """

    volumes: Floats
    treatments: Floats

    @property
    def visits(self) -> int:
        """Number of visits T."""
        return len(self.volumes)

    @property
    def whole_numbers(self) -> bool:
        """Whether all volumes are whole numbers that would also do as diameters in mm."""
        low, high = _WHOLE_MM
        whole = self.volumes == self.volumes.round()
        return bool((whole & (low <= self.volumes) & (self.volumes <= high)).all())

    def under(self, plan: Plan, horizon: int) -> Floats:
        """(horizon, 2) treatments from the last visit of the history to the last that still acts.

        The plan's treatment is given at the last visit and at every following one; what the history
        records at its last visit is kept under every plan.
        """
        steps = np.tile(np.array(GIVEN[plan], float), (horizon, 1))
        steps[0] = np.maximum(steps[0], self.treatments[-1])
        return steps


def read_history(args: SimulateTreatment) -> History:
    """Check the arguments of a call and turn them into a history.

    Raises
    ------
    ToolError
        If a volume or a visit number cannot be right.
    """
    volumes = args.volumes_cm3
    check_volumes(volumes)
    treatments = np.zeros((len(volumes), 2))
    for column, name, visits in (
        (CHEMOTHERAPY, "Chemotherapy", args.chemotherapy_at),
        (RADIOTHERAPY, "Radiotherapy", args.radiotherapy_at),
    ):
        _check_visits(name, visits, len(volumes))
        treatments[[visit - 1 for visit in visits], column] = 1
    return History(np.array(volumes, float), treatments)


def check_volumes(volumes: Sequence[float]) -> None:
    """Refuse volumes that cannot be right.

    Raises
    ------
    ToolError
        If there are fewer than two, or one is not a number, too small to be measured, or at least
        the volume at which the simulator's patients die.
    """
    if len(volumes) < 2:
        raise ToolError(
            "A forecast needs the tumour volume of at least two visits: please give one more."
        )
    if all(volume >= DEATH_VOLUME for volume in volumes):
        raise ToolError(
            f"All volumes are {DEATH_VOLUME:.0f} cm3 or more, beyond any tumour of the simulator: "
            "please give them in cm3 (1000 mm3 are 1 cm3)."
        )
    for visit, volume in enumerate(volumes, start=1):
        if not math.isfinite(volume):
            raise ToolError(
                f"The volume at visit {visit} is not a number: please give it in cm3, or leave "
                "that visit out and count the others anew."
            )
        if volume <= 0:
            raise ToolError(
                f"The volume at visit {visit} is {volume:g} cm3: the forecast follows a measurable "
                "tumour, so please give volumes above 0."
            )
        if volume < MEASURABLE:
            raise ToolError(
                f"The volume at visit {visit} is {volume:g} cm3, too small to be measured: the "
                f"forecast holds from {MEASURABLE:g} cm3 on, so please check the value and its unit."
            )
        if volume >= DEATH_VOLUME:
            raise ToolError(
                f"The volume at visit {visit} is {volume:g} cm3, but the simulator ends at "
                f"{DEATH_VOLUME:.0f} cm3 (a ball of 13 cm): please check the value and its unit."
            )


def _check_visits(name: str, visits: Sequence[int], count: int) -> None:
    for visit in visits:
        if not 1 <= visit <= count:
            raise ToolError(
                f"{name} is given at visit {visit}, but there are volumes of {count} visits, "
                "counted from 1: please check the visit numbers."
            )
    repeated = sorted({visit for visit in visits if visits.count(visit) > 1})
    if repeated:
        raise ToolError(
            f"{name} is given twice at visit {repeated[0]}: please check the visit numbers."
        )
