"""What the network is compared with: logistic regression on a film's 32 x 32 grey values."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from consilium.tools.imaging.data import FilmSet
from consilium.tools.imaging.logistic import Numbers, fit_logistic, sigmoid

_SIDE = 32
_RIDGE = 100.0


class Baseline:
    """A fitted baseline; the training films are weighted as for the network."""

    def __init__(self, train: FilmSet) -> None:
        design = _design(train.pictures)
        prior = np.zeros(design.shape[1])
        self._beta = fit_logistic(design, train.labels, train.class_weights(), prior, _RIDGE)

    def probability(self, pictures: NDArray[np.uint8]) -> Numbers:
        """Return (n,) probabilities of pneumonia of (n, size, size) prepared films."""
        return sigmoid(_design(pictures) @ self._beta)


def _design(pictures: NDArray[np.uint8]) -> Numbers:
    films = torch.as_tensor(pictures).unsqueeze(1).float() / 255 - 0.5
    pixels = functional.adaptive_avg_pool2d(films, _SIDE).flatten(1).double().numpy()
    return np.hstack([np.ones((len(pixels), 1)), pixels])
