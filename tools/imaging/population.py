"""Which of the collections it learned from a film looks like: it decides whose calibration holds for it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilium.tools.imaging.logistic import Numbers, fit_logistic

_RIDGE = 10.0


@dataclass(frozen=True)
class Population:
    """A linear rule on whitened embeddings (see `novelty`) that tells two hospitals' films apart.

    Parameters
    ----------
    names : the hospital on the negative and the one on the positive side; a single one has no rule.
    weights : (d + 1,) the rule, its offset last.
    """

    names: tuple[str, ...]
    weights: NDArray[np.float32]

    def of(self, white: NDArray[np.float32]) -> list[str]:
        """Return the hospital that each of (n, d) whitened embeddings looks like."""
        if len(self.names) == 1:
            return [self.names[0]] * len(white)
        side = white @ self.weights[:-1] + self.weights[-1]
        return [self.names[int(value > 0)] for value in side]


def fit_population(white: NDArray[np.float32], sites: Sequence[str]) -> Population:
    """Fit on the (n, d) whitened embeddings of the training films of one or two hospitals."""
    names = tuple(sorted(set(sites)))
    width = white.shape[1] + 1
    if len(names) == 1:
        return Population(names, np.zeros(width, np.float32))
    second: Numbers = np.array([site == names[1] for site in sites], dtype=np.float64)
    weights = np.where(second == 1, 0.5 / second.mean(), 0.5 / (1 - second.mean()))
    design = np.hstack([white, np.ones((len(white), 1))]).astype(np.float64)
    rule = fit_logistic(design, second, weights, np.zeros(width), _RIDGE)
    return Population(names, rule.astype(np.float32))
