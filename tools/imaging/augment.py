"""Random changes that a film may undergo without changing its reading.

They stand for other machines and other hands: exposure and tone curve, sharpness, scatter, framing,
and above all the aspect ratio, which the squashed training films lost and which differs by class.
No flips: the heart lies on the left. All changes are made to the whole batch at once.
"""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional

_ROTATION = math.radians(12)
_ZOOM, _ASPECT, _SHIFT = 0.2, 0.22, 0.1
_KNOTS, _CURVED = 6, 0.9  # of the random tone curve
_CONTRAST, _BRIGHTNESS, _NOISE = 0.2, 0.1, 0.04
_SHARPNESS = 0.9
_FIELD_CELLS, _FIELD = 4, 0.15
_ERASED, _PATCHES = 0.4, 2


def augment(films: Tensor, generator: Generator, strength: float = 1.0) -> Tensor:
    """Return randomly changed copies of (batch, size, size) films, grey values 0..255.

    Tone curve; position, zoom and aspect ratio; sharpness; uneven exposure, contrast and brightness;
    noise; erased rectangles, so that no single mark or corner carries the answer.

    Parameters
    ----------
    strength : scales every change, 0 (none but the rectangles) to 1.
    """
    count = len(films)

    def uniform(spread: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * spread * strength

    x = _tone(films, generator, strength * _CURVED).unsqueeze(1)
    x = _move(x, uniform)
    x = _sharpen(x, _wide(uniform(_SHARPNESS)))
    field = torch.randn(count, 1, _FIELD_CELLS, _FIELD_CELLS, generator=generator)
    field = functional.interpolate(field * _FIELD, x.shape[2:], mode="bicubic")
    x = (x - 0.5) * _wide(1 + uniform(_CONTRAST)) + 0.5 + _wide(uniform(_BRIGHTNESS))
    x = x + field * _wide(uniform(1).abs())
    x = x + torch.randn(x.shape, generator=generator) * _wide(uniform(_NOISE).abs())
    for _ in range(_PATCHES):
        x = _erase(x, generator)
    return x.clamp(0, 1).squeeze(1) * 255


def _wide(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)


def _tone(films: Tensor, generator: Generator, curved: float) -> Tensor:
    """Grey values 0..1 after a random rising curve from 0 to 1, one for each film."""
    steps = torch.rand(len(films), _KNOTS, generator=generator) * curved + (1 - curved)
    knots = functional.pad(steps.cumsum(1) / steps.sum(1, keepdim=True), (1, 0))
    curve = functional.interpolate(
        knots.unsqueeze(1), 256, mode="linear", align_corners=True
    ).squeeze(1)
    places = films.reshape(len(films), -1).round().clamp(0, 255).long()
    return curve.gather(1, places).view(films.shape)


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


def _sharpen(x: Tensor, amount: Tensor) -> Tensor:
    """Blur (amount below 0) or sharpen; -1 is fully blurred."""
    blurred = functional.avg_pool2d(functional.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return x + amount * (x - blurred)


def _erase(x: Tensor, generator: Generator) -> Tensor:
    count, _, height, width = x.shape
    draw = torch.rand(6, count, 1, generator=generator)
    rows, columns = torch.arange(height) / height, torch.arange(width) / width
    half_height, half_width = 0.04 + 0.1 * draw[0], 0.04 + 0.1 * draw[1]
    inside_rows = (rows - draw[2]).abs() < half_height
    inside_columns = (columns - draw[3]).abs() < half_width
    hit = inside_rows.unsqueeze(2) & inside_columns.unsqueeze(1) & (draw[4] < _ERASED).unsqueeze(2)
    return torch.where(hit.unsqueeze(1), draw[5].view(-1, 1, 1, 1), x)
