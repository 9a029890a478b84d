"""Body-like pictures that are no frontal chest films: limbs, skulls, slices, sound fans; simulated.

Crude on purpose and random in every part: they teach the gate that bone and soft tissue alone do not
make a chest. Two families that share no drawing code above the primitives.
"""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from consilium.tools.imaging.gate_drawn import Draw, Grey, as_grey, smooth_noise

Plane = NDArray[np.float32]
_SIDE = 256


def _capsule(start: tuple[float, float], end: tuple[float, float], radius: float) -> Plane:
    """Thickness of a rod of unit radius at each pixel, 0..1: what X-rays see of a cylinder."""
    y, x = np.indices((_SIDE, _SIDE), np.float32) / _SIDE
    (x0, y0), (x1, y1) = start, end
    along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / max(
        (x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-6
    )
    along = along.clip(0, 1)
    distance = np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0))
    return np.asarray(np.sqrt((1 - (distance / radius) ** 2).clip(0)), np.float32)


def _bone(start: tuple[float, float], end: tuple[float, float], radius: float) -> Plane:
    """A rod with a dense cortex and thicker ends."""
    shaft = _capsule(start, end, radius) - 0.55 * _capsule(start, end, radius * 0.7)
    ends = [_capsule(point, point, radius * 1.35) * 0.5 for point in (start, end)]
    return np.asarray(np.maximum(shaft, np.maximum(*ends)))


def _ellipse(
    cx: float, cy: float, rx: float, ry: float, degrees: float = 0.0, power: float = 0.5
) -> Plane:
    """Thickness of an ellipsoid (power .5) or a flat disc (power 0)."""
    y, x = np.indices((_SIDE, _SIDE), np.float32) / _SIDE
    a = np.deg2rad(degrees)
    u = ((x - cx) * np.cos(a) + (y - cy) * np.sin(a)) / rx
    v = (-(x - cx) * np.sin(a) + (y - cy) * np.cos(a)) / ry
    inside = (1 - u**2 - v**2).clip(0)
    return np.asarray(inside**power if power else (inside > 0), np.float32)


def _exposed(random: Generator, thickness: Plane, noise: float = 0.02) -> Grey:
    """A film of a thickness map: trabecular texture, scatter, grain, a collimator edge, a marker."""
    texture = 1 + random.uniform(0, 0.25) * (smooth_noise(random, _SIDE, 90) - 0.5)
    plane = thickness * texture + random.uniform(0, 0.15) * smooth_noise(random, _SIDE, 4)
    plane = 1 - np.exp(-random.uniform(0.7, 2.5) * plane)
    plane = plane + noise * random.standard_normal((_SIDE, _SIDE))
    picture = Image.fromarray(as_grey(plane)).filter(
        ImageFilter.GaussianBlur(float(random.uniform(0, 1.5)))
    )
    pen = ImageDraw.Draw(picture)
    if random.random() < 0.3:
        edge = int(random.integers(4, 40))
        pen.rectangle((0, 0, edge, _SIDE), fill=0)
        pen.rectangle((_SIDE - edge, 0, _SIDE, _SIDE), fill=0)
    if random.random() < 0.4:
        place = (float(random.integers(5, 220)), float(random.integers(5, 220)))
        pen.text(
            place,
            str(random.choice(["L", "R", "LT", "RT"])),
            fill=255,
            font_size=int(random.integers(12, 30)),
        )
    shown = np.asarray(picture)
    keep = random.uniform(0.75, 1.0)
    low = int((1 - keep) * _SIDE * random.random())
    return shown[low : low + int(keep * _SIDE), : int(_SIDE * random.uniform(0.75, 1))]


def _joint(random: Generator) -> Grey:
    """Two or four long bones that meet: knee, elbow, ankle."""
    x, y, w = 0.5 + random.normal(0, 0.06), random.uniform(0.35, 0.65), random.uniform(0.04, 0.1)
    bend = random.normal(0, 0.12)
    soft = _capsule((x, -0.2), (x, y), w * random.uniform(2, 3.4))
    soft = np.maximum(soft, _capsule((x, y), (x + bend, 1.2), w * random.uniform(1.8, 3)))
    bones = _bone((x, -0.2), (x, y - w), w)
    if random.random() < 0.6:
        bones = bones + _bone((x + w * 0.7, y + w), (x + bend + w, 1.2), w * 0.55)
        bones = bones + _bone((x - w * 0.5, y + w), (x + bend - w * 0.6, 1.2), w * 0.75)
    else:
        bones = bones + _bone((x, y + w), (x + bend, 1.2), w * 0.9)
    return _exposed(random, 0.5 * soft + random.uniform(0.6, 1.4) * bones)


def _skull(random: Generator) -> Grey:
    rx, ry = random.uniform(0.25, 0.4), random.uniform(0.32, 0.46)
    cy = random.uniform(0.4, 0.52)
    shell = _ellipse(0.5, cy, rx, ry) - 0.85 * _ellipse(0.5, cy, rx * 0.92, ry * 0.93)
    face = sum(
        random.uniform(-0.5, 0.5)
        * _ellipse(
            0.5 + random.normal(0, rx / 2),
            cy + ry * random.uniform(0.1, 0.8),
            *random.uniform(0.03, 0.1, 2),
        )
        for _ in range(12)
    )
    neck = sum(_ellipse(0.5, y, 0.09, 0.025) for y in np.arange(cy + ry * 0.8, 1.05, 0.06))
    return _exposed(random, shell * 2 + 0.4 * _ellipse(0.5, cy, rx, ry) + face + 0.5 * neck)


def _spine(random: Generator) -> Grey:
    """A column of vertebrae in soft tissue, from the side or the front: neck, back, abdomen."""
    tilt, bow, size = random.normal(0, 0.1), random.normal(0, 0.12), random.uniform(0.06, 0.14)
    thickness = random.uniform(0.3, 0.8) * _capsule(
        (0.5, -0.3), (0.5 + tilt, 1.3), random.uniform(0.3, 0.6)
    )
    for y in np.arange(-0.05, 1.1, size * 1.1):
        x = 0.5 + tilt * y + bow * np.sin(np.pi * y)
        disc = _ellipse(x, y, size, size * 0.45, float(random.normal(0, 5)), 0.15)
        thickness = (
            thickness
            + 0.5 * disc
            + 0.2 * _ellipse(x + size * 1.2, y + size / 3, size * 0.9, size * 0.2, 25)
        )
    for _ in range(random.integers(0, 9)):  # gas
        gas = _ellipse(  # type: ignore[call-arg]
            *random.random(2), *random.uniform(0.02, 0.1, 2), float(random.integers(180))
        )
        thickness = thickness - 0.3 * gas
    return _exposed(random, thickness.clip(0))


def _axial(random: Generator) -> Grey:
    """A slice across a trunk or a head: a body on black, organs inside; lungs in some."""
    rx, ry = random.uniform(0.3, 0.47), random.uniform(0.22, 0.4)
    body = _ellipse(0.5, 0.5, rx, ry, power=0)
    plane = body * random.uniform(0.35, 0.6)
    if random.random() < 0.5:  # thorax
        for side in (-1, 1):
            lung = _ellipse(
                0.5 + side * rx * 0.48, 0.48, rx * 0.4, ry * random.uniform(0.5, 0.75), side * 10, 0
            )
            plane = np.where(
                lung > 0, random.uniform(0.02, 0.15) + 0.1 * smooth_noise(random, _SIDE, 40), plane
            )
        plane = np.where(_ellipse(0.55, 0.45, rx * 0.25, ry * 0.4, 30, 0) > 0, 0.55, plane)
    for _ in range(random.integers(3, 14)):
        organ = _ellipse(  # type: ignore[call-arg]
            *random.uniform(0.25, 0.75, 2),
            *random.uniform(0.02, 0.13, 2),
            float(random.integers(180)),
            0,
        )
        plane = plane + organ * body * random.normal(0, 0.15)
    spine = _ellipse(0.5, 0.5 + ry * 0.6, 0.055, 0.05, power=0)
    plane = np.where(spine > 0, random.uniform(0.7, 1), plane)
    ring = _ellipse(0.5, 0.5, rx * 0.93, ry * 0.93, power=0) - _ellipse(
        0.5, 0.5, rx * 0.89, ry * 0.88, power=0
    )
    ribs = ring * (smooth_noise(random, _SIDE, 9) > 0.6)
    plane = np.where(ribs > 0, 0.9, plane) + random.uniform(0, 0.06) * random.standard_normal(
        plane.shape
    )
    low, width = random.uniform(0, 0.3), random.uniform(0.3, 1)
    picture = Image.fromarray(as_grey(((plane - low) / width).clip(0, 1)))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(float(random.uniform(0.3, 2)))))


def _lateral(random: Generator) -> Grey:
    """A chest from the side: one dark field between a column behind and a plate in front."""
    thickness = random.uniform(0.8, 1.2) * _ellipse(0.5, 0.5, random.uniform(0.4, 0.55), 0.75)
    lean, bow = random.normal(0, 0.05), random.uniform(0.02, 0.1)
    air = _ellipse(
        0.5, 0.42, random.uniform(0.22, 0.32), random.uniform(0.34, 0.42), 10 + 20 * lean, 0.3
    )
    thickness = thickness - random.uniform(0.5, 0.75) * air
    heart = _ellipse(0.38, 0.58, random.uniform(0.1, 0.16), random.uniform(0.12, 0.18), 30)
    thickness = thickness + random.uniform(0.2, 0.6) * heart
    for y in np.arange(-0.05, 1.1, 0.075):
        x = 0.76 + lean * y + bow * np.sin(np.pi * y)
        thickness = thickness + 0.35 * _ellipse(x, y, 0.055, 0.03, 0, 0.15)
        ribs = _capsule((x, y), (0.3, y + random.uniform(0.1, 0.25)), 0.012)
        thickness = thickness + 0.12 * ribs
    belly = _ellipse(0.5, 1.05, 0.5, random.uniform(0.22, 0.34), 10, 0.3)
    return _exposed(
        random, (thickness + 0.6 * belly + 0.3 * _capsule((0.2, 0.2), (0.16, 0.6), 0.02)).clip(0)
    )


def _hand(random: Generator) -> Grey:
    """A palm with five rays of bones."""
    soft, bones = _ellipse(0.5, 0.66, 0.2, 0.2), np.zeros((_SIDE, _SIDE), np.float32)
    for finger, angle in enumerate(np.deg2rad((-55, -18, -4, 10, 24)) + random.normal(0, 0.05, 5)):
        at = np.array((0.5 + 0.45 * 0.3 * np.sin(angle), 0.72))
        step = np.array((np.sin(angle), -np.cos(angle)))
        width = random.uniform(0.018, 0.026)
        for length in (0.2, 0.13, 0.09, 0.06)[: 3 if finger == 0 else 4]:
            end = at + step * length
            bones = np.maximum(bones, _bone(tuple(at), tuple(end - step * 0.012), width))
            soft = np.maximum(soft, 0.7 * _capsule(tuple(at), tuple(end), width * 2.2))
            at, width = end, width * 0.85
    for _ in range(8):
        place = (0.5 + random.normal(0, 0.06), 0.77 + random.normal(0, 0.03))
        bones = np.maximum(bones, 0.8 * _ellipse(*place, 0.03, 0.026))
    for side in (-0.05, 0.06):
        bones = np.maximum(bones, _bone((0.5 + side, 0.84), (0.5 + side, 1.2), 0.04))
    soft = np.maximum(soft, _capsule((0.5, 0.75), (0.5, 1.3), 0.14))
    return _exposed(random, 0.5 * soft + random.uniform(0.7, 1.4) * bones)


def _pelvis(random: Generator) -> Grey:
    soft, bones = _ellipse(0.5, 0.5, 0.55, 0.7), np.zeros((_SIDE, _SIDE), np.float32)
    for side in (-1, 1):
        wing = _ellipse(0.5 + side * 0.24, 0.33, 0.16, 0.2, side * 25, 0.2)
        hole = _ellipse(0.5 + side * 0.12, 0.72, 0.07, 0.09, power=0)
        head = _ellipse(0.5 + side * 0.3, 0.6, 0.075, 0.075)
        ramus = _ellipse(0.5 + side * 0.12, 0.7, 0.13, 0.15, power=0.2) * (1 - hole)
        shaft = _bone((0.5 + side * 0.36, 0.66), (0.5 + side * 0.4, 1.2), 0.06)
        bones = bones + 0.5 * wing + 0.5 * ramus + 0.8 * head + 0.8 * shaft
    for y in np.arange(-0.05, 0.4, 0.11):
        bones = bones + 0.5 * _ellipse(0.5, y, 0.085, 0.05, power=0.15)
    return _exposed(random, 0.5 * soft + random.uniform(0.5, 1) * bones)


def _fan(random: Generator) -> Grey:
    """Ultrasound: speckle in a fan on black, with dark cysts."""
    y, x = np.indices((_SIDE, _SIDE), np.float32) / _SIDE
    radius, angle = np.hypot(x - 0.5, y + 0.1), np.arctan2(x - 0.5, y + 0.1)
    fan = (
        (radius > random.uniform(0.12, 0.3))
        & (radius < 1)
        & (np.abs(angle) < random.uniform(0.4, 0.9))
    )
    echo = 0.2 + 0.8 * smooth_noise(random, _SIDE, 6)
    for _ in range(random.integers(0, 5)):
        cyst = _ellipse(  # type: ignore[call-arg]
            *random.uniform(0.3, 0.7, 2),
            *random.uniform(0.03, 0.15, 2),
            float(random.integers(180)),
            0,
        )
        echo = np.where(cyst > 0, 0.08, echo)
    speckle = random.rayleigh(1, (_SIDE, _SIDE)) * smooth_noise(random, _SIDE, 120)
    return as_grey(np.log1p(6 * fan * echo * speckle * np.exp(-random.uniform(0, 1.5) * radius)))


def _brain(random: Generator) -> Grey:
    """Shepp-Logan-like, with folds and ventricles."""
    plane = _ellipse(0.5, 0.5, 0.36, 0.44, power=0) - 0.4 * _ellipse(
        0.5, 0.5, 0.335, 0.415, power=0
    )
    inner = _ellipse(0.5, 0.5, 0.31, 0.39, power=0)
    folds = np.sin(40 * smooth_noise(random, _SIDE, int(random.integers(6, 14))))
    plane = plane + inner * (0.25 + 0.12 * folds)
    for side in (-1, 1):
        plane = plane - 0.4 * _ellipse(0.5 + side * 0.05, 0.47, 0.03, 0.11, side * 14, 0)
    plane = plane + 0.03 * random.standard_normal(plane.shape)
    return as_grey(plane.clip(0, None))


LEARNED: dict[str, Draw] = {
    "joint of long bones": _joint,
    "skull": _skull,
    "spine": _spine,
    "axial slice": _axial,
    "chest from the side": _lateral,
}
HELD_OUT: dict[str, Draw] = {
    "hand": _hand,
    "pelvis": _pelvis,
    "ultrasound fan": _fan,
    "brain slice": _brain,
}
