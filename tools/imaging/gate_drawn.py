"""Drawn pictures that are no films: documents, screens, plots and patterns, from a seeded generator.

Two families that share no drawing code: `LEARNED` teaches the gate, `HELD_OUT` measures it.
"""

import io
import string
from collections.abc import Callable

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

_LETTERS = string.ascii_letters + string.digits

Grey = NDArray[np.uint8]
Draw = Callable[[Generator], Grey]


def smooth_noise(random: Generator, side: int, cells: int) -> NDArray[np.float32]:
    """Value noise of (side, side), 0..1: random cells, interpolated."""
    small = Image.fromarray(random.random((cells, cells), np.float32))
    return np.asarray(small.resize((side, side), Image.Resampling.BICUBIC)).clip(0, 1)


def as_grey(values: NDArray[np.floating]) -> Grey:
    """Stretch any plane to 0..255."""
    low, high = float(values.min()), float(values.max())
    return np.asarray((values - low) * (255 / max(high - low, 1e-9)), np.uint8)


def words(random: Generator, count: int) -> str:
    """Made-up words."""
    signs = random.integers(0, len(_LETTERS), (count, 10)).tolist()
    return " ".join("".join(_LETTERS[sign] for sign in row[: 2 + row[0] % 8]) for row in signs)


def font(
    random: Generator, low: int = 9, high: int = 30
) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """Pillow's own font in a random size, points."""
    return ImageFont.load_default(float(random.integers(low, high)))


def _page(random: Generator) -> Grey:
    width, height = int(random.integers(300, 700)), int(random.integers(300, 900))
    paper = Image.new("L", (width, height), int(random.integers(215, 256)))
    pen, size = ImageDraw.Draw(paper), font(random)
    line, at = int(random.integers(14, 34)), int(random.integers(10, 60))
    while at < height - 20:
        if random.random() < 0.9:
            text = words(random, int(random.integers(3, 14)))
            pen.text((int(random.integers(8, 50)), at), text, int(random.integers(0, 90)), size)
        at += line
    if random.random() < 0.3:  # photographed or photocopied
        paper = paper.rotate(float(random.normal(0, 4)), fillcolor=int(random.integers(0, 256)))
        paper = paper.filter(ImageFilter.GaussianBlur(float(random.random() * 1.5)))
    return np.asarray(paper)


def _checks(random: Generator) -> Grey:
    side, cell = 256, int(random.integers(4, 64))
    rows, columns = np.indices((side, side)) // cell
    board = (
        (rows + columns) % 2
        if random.random() < 0.5
        else (rows if random.random() < 0.5 else columns) % 2
    )
    return as_grey(board + float(random.random() * 0.3) * random.random((side, side)))


def _gradient(random: Generator) -> Grey:
    rows, columns = np.indices((256, 256)) / 255.0
    angle, power = random.random() * 2 * np.pi, float(np.exp(random.normal(0, 0.5)))
    if random.random() < 0.5:
        plane = np.cos(angle) * rows + np.sin(angle) * columns
    else:
        plane = np.hypot(rows - random.random(), columns - random.random())
    plane = (plane - plane.min()) / np.ptp(plane)
    return as_grey(plane**power + random.random() * 0.1 * random.random(plane.shape))


def _power_noise(random: Generator) -> Grey:
    """Noise whose spectrum falls with a power of the frequency, 0 (white) to 2.5 (clouds)."""
    side = 256
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = 1.0
    white = np.fft.rfft2(random.standard_normal((side, side)))
    plane = np.fft.irfft2(white / frequency ** random.uniform(0, 2.5), s=(side, side))
    low, high = np.percentile(plane, (1, 99))
    return as_grey(plane.clip(low, high))


def _line_plot(random: Generator) -> Grey:
    figure = Figure((4, 4 * random.uniform(0.7, 1.3)), dpi=80)
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    x = np.linspace(0, 10, 80)
    for _ in range(random.integers(1, 6)):
        y = random.normal(0, 1, 80).cumsum()
        if random.random() < 0.4:
            axes.bar(x[::8], np.abs(y[::8]), color=str(random.random() * 0.8))
        else:
            axes.plot(x, y, color=str(random.random() * 0.8), lw=random.uniform(0.5, 4))
    axes.set_title(words(random, 3))
    if random.random() < 0.5:
        axes.grid()
    canvas.draw()  # type: ignore[no-untyped-call]
    picture = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return np.asarray(Image.fromarray(picture).convert("L"))


def _shapes(random: Generator) -> Grey:
    """Overlapping discs, boxes and lines of random shades: like nothing in particular."""
    picture = Image.new("L", (256, 256), int(random.integers(0, 256)))
    pen = ImageDraw.Draw(picture)
    for _ in range(random.integers(2, 30)):
        x, y, w, h = random.integers(-40, 256, 2).tolist() + random.integers(5, 200, 2).tolist()
        shade = int(random.integers(0, 256))
        kind = random.integers(3)
        if kind == 0:
            pen.ellipse((x, y, x + w, y + h), fill=shade)
        elif kind == 1:
            pen.rectangle((x, y, x + w, y + h), fill=shade)
        else:
            pen.line((x, y, x + w, y + h), fill=shade, width=int(random.integers(1, 20)))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(float(random.random() * 8))))


def _screen(random: Generator) -> Grey:
    """A window with a title bar, a side list, a table and buttons."""
    dark = random.random() < 0.5
    back, ink = (30, 220) if dark else (240, 30)
    width, height = int(random.integers(500, 900)), int(random.integers(350, 650))
    picture = Image.new("L", (width, height), back)
    pen = ImageDraw.Draw(picture)
    small = font(random, 9, 16)
    pen.rectangle((0, 0, width, 28), fill=abs(back - 60))
    pen.text((10, 6), words(random, 3), ink, small)
    edge = int(width * random.uniform(0.15, 0.35))
    pen.rectangle((0, 28, edge, height), fill=abs(back - 25))
    for row in range(40, height - 20, int(random.integers(18, 34))):
        pen.text((8, row), words(random, 1), ink, small)
        for column in range(edge + 10, width - 40, int(random.integers(70, 140))):
            pen.text((column, row), words(random, 1), ink, small)
    for _ in range(random.integers(1, 5)):
        x, y = int(random.integers(edge, width - 90)), int(random.integers(40, height - 40))
        pen.rounded_rectangle((x, y, x + 80, y + 26), 6, fill=abs(back - 110))
    return np.asarray(picture)


def _table_form(random: Generator) -> Grey:
    """A ruled form, scanned a little askew, with pen strokes."""
    picture = Image.new("L", (500, 640), 245)
    pen = ImageDraw.Draw(picture)
    size = font(random, 9, 16)
    for y in range(30, 620, int(random.integers(22, 60))):
        pen.line((20, y, 480, y), fill=60)
        pen.text((25, y + 4), words(random, 2), 40, size)
    for x in np.linspace(20, 480, int(random.integers(2, 7))):
        pen.line((x, 30, x, 620), fill=60)
    strokes = (np.array((250, 400)) + random.normal(0, 12, (60, 2)).cumsum(0)).tolist()
    pen.line([tuple(point) for point in strokes], fill=20, width=3)
    return np.asarray(picture.rotate(float(random.normal(0, 2)), fillcolor=200))


def _voronoi(random: Generator) -> Grey:
    points = random.random((int(random.integers(5, 90)), 2)) * 200
    grid = np.indices((200, 200)).reshape(2, -1).T
    nearest = ((grid[:, None] - points[None]) ** 2).sum(2).argmin(1)
    return as_grey(random.random(len(points))[nearest].reshape(200, 200))


def _octaves(random: Generator) -> Grey:
    """Perlin-like noise: octaves of value noise."""
    plane = sum(0.55**octave * smooth_noise(random, 256, 3 * 2**octave) for octave in range(6))
    return as_grey(np.asarray(plane))


def _field_plot(random: Generator) -> Grey:
    """Scatter, filled contours, a pie or a histogram, in grey."""
    figure = Figure((4, 4), dpi=80)
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    kind = random.integers(4)
    if kind == 0:
        x, y = random.normal(0, 1, (2, 200))
        axes.scatter(
            x,
            y,
            s=random.uniform(2, 60),
            c=random.random(200),
            cmap="gray",
        )
    elif kind == 1:
        axes.contourf(smooth_noise(random, 60, 6), cmap="gray", levels=int(random.integers(4, 20)))
    elif kind == 2:
        axes.pie(random.random(6) + 0.1, colors=[str(shade) for shade in random.random(6)])
    else:
        axes.hist(random.normal(0, 1, 400), bins=int(random.integers(5, 50)), color="0.4")
    canvas.draw()  # type: ignore[no-untyped-call]
    picture = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return np.asarray(Image.fromarray(picture).convert("L"))


def _barcode(random: Generator) -> Grey:
    if random.random() < 0.5:
        code = np.kron(random.integers(0, 2, (29, 29)), np.ones((8, 8)))
    else:
        code = np.tile(np.kron(random.integers(0, 2, 60), np.ones(4)), (160, 1))
    return np.pad(as_grey(code), 20, constant_values=255)


def _waves(random: Generator) -> Grey:
    """Gratings and ripples; an ECG strip is one of them."""
    rows, columns = np.indices((256, 256)) / 255.0
    if random.random() < 0.5:
        f, g = random.uniform(3, 60, 2)
        return as_grey(
            np.sin(f * rows + g * columns) + np.sin(g * np.hypot(rows - 0.5, columns - 0.5))
        )
    paper = np.full((256, 256), 235, np.uint8)
    paper[::16], paper[:, ::16] = 190, 190
    for lead in range(int(random.integers(2, 6))):
        beat = np.exp(-(((np.arange(256) % int(random.integers(30, 70))) - 12.0) ** 2) / 4)
        height = (40 + lead * 45 - 30 * beat + random.normal(0, 1, 256)).astype(int).clip(0, 253)
        for thick in range(3):
            paper[height + thick, np.arange(256)] = 20
    return paper


def _tiny_jpeg(random: Generator) -> Grey:
    """A few cells, compressed until blocks show."""
    stream = io.BytesIO()
    cells = random.integers(0, 256, (int(random.integers(4, 20)),) * 2, np.uint8)
    Image.fromarray(cells).resize((200, 200)).save(
        stream, "JPEG", quality=int(random.integers(2, 15))
    )
    return np.asarray(Image.open(stream))


LEARNED: dict[str, Draw] = {
    "page of text": _page,
    "checks and stripes": _checks,
    "gradient": _gradient,
    "power-law noise": _power_noise,
    "line or bar plot": _line_plot,
    "shapes": _shapes,
}
HELD_OUT: dict[str, Draw] = {
    "screenshot": _screen,
    "form": _table_form,
    "Voronoi cells": _voronoi,
    "Perlin-like noise": _octaves,
    "scatter, contour, pie, histogram": _field_plot,
    "barcode": _barcode,
    "waves and ECG strip": _waves,
    "JPEG blocks": _tiny_jpeg,
}
