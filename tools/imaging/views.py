"""Fixed small changes of position under which a film's reading should not change."""

import math

import torch
from torch import Tensor
from torch.nn import functional

# Shift right and down as share of the half side, zoom, degrees; the first is the film itself.
_VIEWS = (
    (0.0, 0.0, 1.0, 0.0),
    (0.06, 0.0, 1.0, 0.0),
    (-0.06, 0.0, 1.0, 0.0),
    (0.0, 0.06, 1.0, 0.0),
    (0.0, -0.06, 1.0, 0.0),
    (0.0, 0.0, 1.06, 0.0),
    (0.0, 0.0, 0.94, 0.0),
    (0.0, 0.0, 1.0, 4.0),
    (0.0, 0.0, 1.0, -4.0),
)
COUNT = len(_VIEWS)


def views(inputs: Tensor) -> Tensor:
    """Return (batch * COUNT, 1, side, side): the views of each film, one film after the other."""
    spread = inputs.repeat_interleave(COUNT, dim=0)
    theta = torch.tensor([_matrix(*view) for view in _VIEWS]).repeat(len(inputs), 1, 1)
    grid = functional.affine_grid(theta, list(spread.shape), align_corners=False)
    return functional.grid_sample(spread, grid, padding_mode="border", align_corners=False)


def _matrix(right: float, down: float, zoom: float, degrees: float) -> list[list[float]]:
    cos, sin = math.cos(math.radians(degrees)) * zoom, math.sin(math.radians(degrees)) * zoom
    return [[cos, -sin, right], [sin, cos, down]]
