"""Random changes for the gate's training: what real uploads look like, and what is no longer a film.

All changes are made to a whole batch of (batch, side, side) grey values 0..1 at once.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Generator, Tensor
from torch.nn import functional

from consilium.tools.imaging.gate_drawn import words
from consilium.tools.imaging.gate_network import SIDE

_CROP, _FRAMED = (
    0.24,
    0.25,
)  # most of a side that is cut off; share of the pictures that get a border
_ROTATION = math.radians(12)
_TEXTS = 400

Uniform = Callable[[float, float], Tensor]
_MIDDLE = slice(round(SIDE * 0.1), SIDE - round(SIDE * 0.1))


class Turned(NamedTuple):
    """Changed pictures, with what was done to their position.

    Parameters
    ----------
    pictures : (batch, SIDE, SIDE) uint8, contrast stretched as `gate_input` does.
    turns : (batch,) quarter turns to the left, 0 to 3.
    negative : (batch,) whether it became a negative.
    """

    pictures: Tensor
    turns: Tensor
    negative: Tensor


def text_layers(seed: int) -> Tensor:
    """Return (_TEXTS, SIDE, SIDE) masks 0..1 of lines of text and markers as they are burned into films."""
    random = np.random.default_rng(seed)
    layers = []
    for _ in range(_TEXTS):
        layer = Image.new("L", (3 * SIDE, 3 * SIDE))
        pen = ImageDraw.Draw(layer)
        for _ in range(random.integers(1, 5)):
            x, y = random.choice([0.02, 0.3, 0.65, 0.85]), random.choice([0.02, 0.5, 0.8, 0.9])
            lines = int(random.integers(1, 5))
            text = "\n".join(words(random, int(random.integers(1, 3))) for _ in range(lines))
            place = (
                3 * SIDE * (x + random.normal(0, 0.03)),
                3 * SIDE * (y + random.normal(0, 0.03)),
            )
            pen.text(place, text, fill=255, font_size=int(random.integers(10, 34)))
        layers.append(
            np.asarray(layer.resize((SIDE, SIDE), Image.Resampling.BOX)) / np.float32(255)
        )
    return torch.as_tensor(np.stack(layers))


def change(pictures: Tensor, texts: Tensor, generator: Generator) -> Tensor:
    """Crop, tilt, squash, frame, write on, expose, blur and grain (batch, any, any) uint8 pictures."""
    count = len(pictures)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=generator) * (high - low) + low

    def some(share: float) -> Tensor:
        return (torch.rand(count, generator=generator) < share).view(-1, 1, 1)

    x = _moved(pictures.unsqueeze(1).float() / 255, uniform, some(_FRAMED)).squeeze(1)
    x = _exposed(x, uniform)
    ink = torch.where(some(0.8), 1.0, 0.0) * torch.ones_like(x)
    layer = texts[torch.randint(len(texts), (count,), generator=generator)] * some(0.3)
    x = x + (ink - x) * layer
    blurred = functional.avg_pool2d(x, 5, 1, 2, count_include_pad=False)
    strength = uniform(0, 1).view(-1, 1, 1) * some(0.4)
    x = x + (blurred - x) * strength
    grain = torch.randn(x.shape, generator=generator)
    return (x + grain * uniform(0, 0.06).view(-1, 1, 1) * some(0.5)).clamp(0, 1)


def turn(x: Tensor, generator: Generator) -> Turned:
    """Turn half of the pictures, make a third negatives, and stretch the contrast of all."""
    count = len(x)
    turns = torch.randint(4, (count,), generator=generator)
    turns = torch.where(torch.rand(count, generator=generator) < 0.35, 0, turns)
    negative = torch.rand(count, generator=generator) < 0.35
    turned = torch.stack([torch.rot90(one, int(k)) for one, k in zip(x, turns, strict=True)])
    turned = torch.where(negative.view(-1, 1, 1), 1 - turned, turned)
    return Turned(stretched(turned), turns, negative)


def stretched(x: Tensor) -> Tensor:
    """Do what `gate_network.stretch` does, to a batch."""
    middle = x[:, _MIDDLE, _MIDDLE].flatten(1)
    low, high = torch.quantile(middle, torch.tensor([0.01, 0.99]), dim=1).view(2, -1, 1, 1)
    grey: Tensor = (x - low) / (high - low).clamp(min=1e-3) * 255
    return grey.clamp(0, 255).round().to(torch.uint8)


def spoil(pictures: Tensor, generator: Generator) -> Tensor:
    """Make of (batch, side, side) films what is no film: a small part, shuffled parts, two in one, a swirl.

    These lie closest to films and draw the border of the whole frontal thorax.
    """
    x = pictures.float()
    kinds = torch.randint(6, (len(x),), generator=generator)
    return torch.stack(
        [_SPOILERS[int(kind)](film, generator) for film, kind in zip(x, kinds, strict=True)]
    ).to(torch.uint8)


def _moved(x: Tensor, uniform: Uniform, framed: Tensor) -> Tensor:
    """Cut off margins and tilt; framed ones shrink into a border of one shade."""
    count = len(x)
    left, right, top, bottom = (uniform(-0.01, _CROP) * uniform(0, 1) for _ in range(4))
    grow = torch.where(framed.view(-1), uniform(1.0, 1.3), torch.ones(count))
    width, height = (
        (1 - left - right) * grow,
        (1 - top - bottom) * grow * uniform(-0.08, 0.08).exp(),
    )
    angle = uniform(-_ROTATION, _ROTATION) * uniform(0, 1)
    cos, sin = angle.cos(), angle.sin()
    rows = [cos * width, -sin * height, left - right, sin * width, cos * height, top - bottom]
    theta = torch.stack(rows, 1).view(count, 2, 3)
    grid = functional.affine_grid(theta, [count, 1, SIDE, SIDE], align_corners=False)
    shade = torch.where(uniform(0, 1) < 0.7, 0.0, uniform(0, 1)).view(-1, 1, 1, 1)
    source = (
        functional.interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=True)
        if x.shape[-1] > 1.5 * SIDE
        else x
    )
    return functional.grid_sample(source - shade, grid, align_corners=False) + shade


def _exposed(x: Tensor, uniform: Uniform) -> Tensor:
    """Gamma; clipped lights and shadows; a shading across the film."""
    x = x.clamp(0, 1) ** uniform(-0.7, 0.7).exp().view(-1, 1, 1)
    low, high = uniform(-0.1, 0.15).view(-1, 1, 1), uniform(0.8, 1.1).view(-1, 1, 1)
    x = ((x - low) / (high - low)).clamp(0, 1)
    line = torch.linspace(-0.5, 0.5, x.shape[-1])
    shade = uniform(-0.3, 0.3).view(-1, 1, 1) * line.view(1, 1, -1)
    shade = shade + uniform(-0.3, 0.3).view(-1, 1, 1) * line.view(1, -1, 1)
    return (x * (1 + shade)).clamp(0, 1)


def _number(generator: Generator, low: float, high: float) -> float:
    return float(torch.rand(1, generator=generator)) * (high - low) + low


def _resized(part: Tensor, side: int) -> Tensor:
    return functional.interpolate(part[None, None], (side, side), mode="bilinear", antialias=True)[
        0, 0
    ]


def _part(film: Tensor, generator: Generator) -> Tensor:
    """A part of at most half the width and height: one lung's corner, a shoulder, ribs."""
    side = len(film)
    h, w = (int(side * _number(generator, 0.12, 0.45)) for _ in range(2))
    y, x = int(_number(generator, 0, side - h)), int(_number(generator, 0, side - w))
    return _resized(film[y : y + h, x : x + w], side)


def _strip(film: Tensor, generator: Generator) -> Tensor:
    """Less than half of the film, cut lengthwise or across."""
    side, share = len(film), _number(generator, 0.2, 0.45)
    start = int(_number(generator, 0, 1 - share) * side)
    rows = slice(start, start + int(share * side))
    return _resized(film[rows] if _number(generator, 0, 1) < 0.5 else film[:, rows], side)


def _shuffled(film: Tensor, generator: Generator) -> Tensor:
    n = 2 + int(_number(generator, 0, 3))
    cell = len(film) // n
    tiles = (
        film[: n * cell, : n * cell]
        .view(n, cell, n, cell)
        .transpose(1, 2)
        .reshape(n * n, cell, cell)
    )
    order = torch.randperm(n * n, generator=generator)
    if bool((order == torch.arange(n * n)).all()):
        order = order.flip(0)
    mixed = tiles[order].view(n, n, cell, cell).transpose(1, 2).reshape(n * cell, n * cell)
    return _resized(mixed, len(film))


def _several(film: Tensor, generator: Generator) -> Tensor:
    """The film twice or more beside or above itself, as on a sheet of thumbnails."""
    n = 2 + int(_number(generator, 0, 3))
    shape = [(1, n), (n, 1), (n, n)][int(_number(generator, 0, 3))]
    return _resized(film.repeat(*shape), len(film))


def _swirled(film: Tensor, generator: Generator) -> Tensor:
    line = torch.linspace(-1, 1, len(film))
    y, x = torch.meshgrid(line, line, indexing="ij")
    angle = _number(generator, 2.0, 5.0) * (1 - (x**2 + y**2).sqrt()).clamp(min=0)
    angle = -angle if _number(generator, 0, 1) < 0.5 else angle
    grid = torch.stack([x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()], -1)
    return functional.grid_sample(film[None, None], grid[None], align_corners=False)[0, 0]


def _scrambled(film: Tensor, generator: Generator) -> Tensor:
    """The film's spectrum with random phases: its greys and blur, nothing of its shapes."""
    phase = torch.fft.rfft2(torch.randn(film.shape, generator=generator)).angle()
    plane = torch.fft.irfft2(
        torch.polar(torch.fft.rfft2(film - film.mean()).abs(), phase), s=film.shape
    )
    low, high = torch.quantile(plane[::2, ::2].flatten(), torch.tensor([0.01, 0.99]))
    grey: Tensor = (plane - low) / (high - low) * 255
    return grey.clamp(0, 255)


_SPOILERS = (_part, _strip, _shuffled, _several, _swirled, _scrambled)
