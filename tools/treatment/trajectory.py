"""What the forecast of one plan is, for the picture, the table and the words."""

from collections.abc import Sequence
from dataclasses import dataclass

from consilium.tools.treatment.contract import Plan


@dataclass(frozen=True)
class Trajectory:
    """The forecast volumes under one plan, visit by visit.

    Parameters
    ----------
    plan : what is given at the last visit of the history and at every one after it.
    volumes : cm3, one for each visit ahead.
    low, high : cm3, the 90 % band of each of them.
    """

    plan: Plan
    volumes: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]

    @property
    def horizon(self) -> int:
        """Visits ahead."""
        return len(self.volumes)

    @property
    def end(self) -> float:
        """Volume at the horizon, cm3."""
        return self.volumes[-1]

    @property
    def interval(self) -> tuple[float, float]:
        """The band at the horizon, cm3."""
        return self.low[-1], self.high[-1]


def by_volume(trajectories: Sequence[Trajectory]) -> list[Trajectory]:
    """The smallest volume at the horizon first; a tie keeps the order."""
    return sorted(trajectories, key=lambda trajectory: trajectory.end)


def overlap(one: Trajectory, other: Trajectory) -> bool:
    """Whether two bands share a volume at the horizon."""
    return one.low[-1] <= other.high[-1] and other.low[-1] <= one.high[-1]
