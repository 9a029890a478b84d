"""Fixed small changes under which a film's reading should not change: position, zoom, angle, exposure."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

_LOW, _HIGH = -1.9922, 1.9922  # the input's range, see `preprocess.to_input`


class View(NamedTuple):
    """One fixed change.

    Parameters
    ----------
    right, down : shift as share of the half side.
    zoom : above 1 shows more around the film, below 1 shows its middle larger.
    degrees : rotation.
    gamma : exponent on grey values 0..1.
    """

    right: float = 0.0
    down: float = 0.0
    zoom: float = 1.0
    degrees: float = 0.0
    gamma: float = 1.0


VIEWS = (
    View(),
    View(zoom=0.93),
    View(right=0.05, zoom=1.05, gamma=0.8),
    View(right=-0.05, degrees=4.0),
    View(down=0.05, degrees=-4.0, gamma=1.25),
)
COUNT = len(VIEWS)


def views(inputs: Tensor) -> Tensor:
    """Return (batch * COUNT, 1, side, side): the views of each film, one film after the other."""
    spread = inputs.repeat_interleave(COUNT, dim=0)
    theta = torch.tensor([_matrix(view) for view in VIEWS]).repeat(len(inputs), 1, 1)
    grid = functional.affine_grid(theta, list(spread.shape), align_corners=False)
    moved = functional.grid_sample(spread, grid, padding_mode="border", align_corners=False)
    return _expose(moved, [view.gamma for view in VIEWS] * len(inputs))


def _expose(films: Tensor, gammas: Sequence[float]) -> Tensor:
    exponents = torch.tensor(gammas).view(-1, 1, 1, 1)
    grey = ((films - _LOW) / (_HIGH - _LOW)).clamp(0, 1)
    return grey**exponents * (_HIGH - _LOW) + _LOW


def _matrix(view: View) -> list[list[float]]:
    angle = math.radians(view.degrees)
    cos, sin = math.cos(angle) * view.zoom, math.sin(angle) * view.zoom
    return [[cos, -sin, view.right], [sin, cos, view.down]]
