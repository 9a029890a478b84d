"""What needs no network to tell that a picture is no film to read: its own facts, size, shape and greys."""

from collections.abc import Mapping

import numpy as np

from consilium.tools.imaging.film import Pixels

_LATERAL_VIEWS = {"LL", "RL", "LATERAL", "LLO", "RLO"}  # decubitus films are frontal
_LONGEST = 2.5  # long side to short side; the widest of the children's originals has 1.7
# Pixels a side. The reader abstains from every validation film shrunk to 32 pixels, and the gate's network
# cannot tell such pictures apart (docs/decisions/0027).
SMALLEST = 40
_FEWEST_GREYS = 12  # a film that was reduced to 4 bit still has 16
_BLANK = 0.005  # standard deviation as share of the range that the depth allows

LATERAL = "it is marked as a lateral or oblique view, and the reader takes frontal views only"
TOO_SMALL = (
    "it is too small to tell what it shows ({width} x {height} pixels): please attach the film in its "
    "original size"
)
COLOURS = "it is a picture in many colours, not a film"
LONG = "it is far longer than wide, unlike a chest film"
BLANK = "it is blank"
FEW_GREYS = "it is a drawing or a text in a few shades, not a film"


def refusal(pixels: Pixels, facts: Mapping[str, str]) -> str:
    """Why a picture is no frontal chest film that can be read, as the end of a sentence; empty where no rule says so.

    Parameters
    ----------
    pixels : (height, width) grey values, 8 or 16 bit.
    facts : what `intake.admit` found out about it.
    """
    if facts.get("view") in _LATERAL_VIEWS:
        return LATERAL
    if facts.get("colour") == "several":
        return COLOURS
    height, width = pixels.shape
    if min(height, width) < SMALLEST:
        return TOO_SMALL.format(width=width, height=height)
    if max(pixels.shape) > _LONGEST * min(pixels.shape):
        return LONG
    every = max(1, min(pixels.shape) // 256)
    some = pixels[::every, ::every]
    if float(some.std()) < _BLANK * float(np.iinfo(pixels.dtype).max) and int(np.ptp(some)) < 8:
        return BLANK
    if len(np.unique(some)) < _FEWEST_GREYS:
        return FEW_GREYS
    return ""
