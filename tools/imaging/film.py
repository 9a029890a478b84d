"""A film as it is kept: a greyscale PNG with its own few facts, and nothing else of its source."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

_FACTS_KEY = "consilium-facts"
_DISPLAY_PERCENTILES = (0.1, 99.9)


@dataclass(frozen=True)
class Film:
    """A decoded film.

    Parameters
    ----------
    pixels : (height, width) grey values, 8 or 16 bit, bright = dense.
    facts : what is known of the film, from a keep-list; never identifies a person.
    """

    pixels: Pixels
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def save(self, path: Path) -> None:
        """Write the film as a greyscale PNG of its own depth."""
        chunk = PngImagePlugin.PngInfo()
        chunk.add_text(_FACTS_KEY, json.dumps(dict(self.facts)))
        Image.fromarray(self.pixels).save(path, "PNG", pnginfo=chunk, compress_level=3)

    @staticmethod
    def is_saved(path: Path) -> bool:
        """Whether a file was written by `save`."""
        try:
            with Image.open(path, formats=("PNG",)) as picture:
                return _FACTS_KEY in picture.info
        except (OSError, SyntaxError, ValueError):
            return False

    @classmethod
    def read(cls, path: Path) -> "Film":
        """Read a film written by `save`."""
        with Image.open(path, formats=("PNG",)) as picture:
            facts = json.loads(picture.info[_FACTS_KEY])
            values = np.asarray(picture)
        deep = values.dtype != np.uint8
        return cls(values.astype(np.uint16) if deep else values.astype(np.uint8), facts)


def to_display(pixels: Pixels) -> NDArray[np.uint8]:
    """Return 8-bit grey values for a screen; films of 16 bit are stretched to their range."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8)
    low, high = np.percentile(pixels, _DISPLAY_PERCENTILES)
    scaled = (pixels.astype(np.float32) - low) / max(high - low, 1)
    return np.asarray((scaled.clip(0, 1) * 255).round(), np.uint8)
