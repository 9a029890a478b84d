"""Which past visits a forecast rests on, by leaving each of them out (occlusion).

A visit's volume is left out by putting the volume between its neighbours in its place (on a
logarithmic scale; its one neighbour's at either end), a visit's treatment by not giving it. What the
forecast then changes by is that visit's influence. Nothing is assumed about the model.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from consilium.tools.treatment.history import Floats, History

# (n, T) volumes and (n, T, 2) past treatments to (n,) forecast volumes, cm3.
Forecast = Callable[[Floats, Floats], Floats]

_SMALLEST = 0.01  # cm3: changes below it are no changes


@dataclass(frozen=True)
class Influence:
    """Relative change of the forecast without each visit, 0.1 for a tenth.

    Parameters
    ----------
    volume, treatment : (T,) size of the change without that visit's volume, or its treatment; the
        latter 0 where none was given.
    """

    volume: Floats
    treatment: Floats

    @property
    def most_telling(self) -> str:
        """The visit with the largest influence, and by what: "visit 3 (its volume)"."""
        by_volume, by_treatment = int(self.volume.argmax()), int(self.treatment.argmax())
        if self.treatment[by_treatment] > self.volume[by_volume]:
            return f"visit {by_treatment + 1} (its treatment)"
        return f"visit {by_volume + 1} (its volume)"


def influence(history: History, forecast: Forecast) -> Influence:
    """Measure the influence of each visit of a history on what `forecast` says."""
    visits = np.arange(history.visits)
    volumes = np.tile(history.volumes, (2 * history.visits + 1, 1))
    treatments = np.tile(history.treatments, (2 * history.visits + 1, 1, 1))
    volumes[1 + visits, visits] = _between_neighbours(history.volumes)
    treatments[1 + history.visits + visits, visits] = 0
    forecasts = np.log(np.maximum(forecast(volumes, treatments), _SMALLEST))
    changes = np.abs(np.expm1(forecasts[1:] - forecasts[0]))
    return Influence(changes[: history.visits], changes[history.visits :])


def _between_neighbours(volumes: Floats) -> Floats:
    logs = np.log(volumes)
    filled = np.empty_like(logs)
    filled[0], filled[-1] = logs[1], logs[-2]
    filled[1:-1] = (logs[:-2] + logs[2:]) / 2
    return np.asarray(np.exp(filled))
