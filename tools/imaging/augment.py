"""Random changes that a film may undergo without changing its reading.

No flips: the heart lies on the left. All changes are made to the whole batch at once.
"""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional

_ROTATION = math.radians(10)
_ZOOM, _ASPECT, _SHIFT = 0.15, 0.1, 0.08
_GAMMA, _CONTRAST, _BRIGHTNESS, _NOISE = 0.35, 0.2, 0.1, 0.04
_BLURRED, _ERASED = 0.3, 0.5


def augment(films: Tensor, generator: Generator) -> Tensor:
    """Return randomly changed copies of (batch, size, size) films, grey values 0..255.

    Position, zoom and aspect ratio; gamma, contrast and brightness; noise; loss of resolution; one
    erased rectangle, so that no single mark or corner carries the answer.
    """
    count = len(films)

    def uniform(spread: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * spread

    x = _move(films.unsqueeze(1).float() / 255, uniform)
    blurred = functional.interpolate(
        functional.avg_pool2d(x, 2), scale_factor=2.0, mode="bilinear", align_corners=False
    )
    chosen = torch.rand(count, generator=generator) < _BLURRED
    x = torch.where(_wide(chosen), blurred, x)
    x = x.clamp(0, 1) ** _wide(uniform(_GAMMA).exp())
    x = (x - 0.5) * _wide(1 + uniform(_CONTRAST)) + 0.5 + _wide(uniform(_BRIGHTNESS))
    x = x + torch.randn(x.shape, generator=generator) * _wide(uniform(_NOISE).abs())
    return _erase(x, generator).clamp(0, 1).squeeze(1) * 255


def _wide(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)


def _move(x: Tensor, uniform: Callable[[float], Tensor]) -> Tensor:
    angle, zoom, aspect = uniform(_ROTATION), uniform(_ZOOM).exp(), uniform(_ASPECT).exp()
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    theta = torch.stack(
        [
            torch.stack([cos * aspect, -sin, uniform(2 * _SHIFT)], 1),
            torch.stack([sin, cos / aspect, uniform(2 * _SHIFT)], 1),
        ],
        1,
    )
    grid = functional.affine_grid(theta, list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, align_corners=False)


def _erase(x: Tensor, generator: Generator) -> Tensor:
    count, _, height, width = x.shape
    draw = torch.rand(6, count, 1, generator=generator)
    rows, columns = torch.arange(height) / height, torch.arange(width) / width
    half_height, half_width = 0.05 + 0.12 * draw[0], 0.05 + 0.12 * draw[1]
    inside_rows = (rows - draw[2]).abs() < half_height
    inside_columns = (columns - draw[3]).abs() < half_width
    hit = inside_rows.unsqueeze(2) & inside_columns.unsqueeze(1) & (draw[4] < _ERASED).unsqueeze(2)
    return torch.where(hit.unsqueeze(1), draw[5].view(-1, 1, 1, 1), x)
