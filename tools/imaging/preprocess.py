"""From a film of any size and bit depth to the network's input, in training and in serving.

The picture is squashed to a square, not padded or cropped. The 224 px training films were squashed
before they were published, so their aspect ratio is lost; squashing an upload of any shape puts it
into the same geometry, and a film squashed twice is the film squashed once.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

_MARGIN = 0.1  # borders, collimator edges and burned-in marks live in the outer tenth
_PERCENTILES = (1.0, 99.0)
_MEAN, _SCALE = 127.5, 64.0


def prepare(pixels: NDArray[np.uint8] | NDArray[np.uint16], size: int) -> NDArray[np.uint8]:
    """Squash a film to `size` x `size` and stretch its contrast to 0..255.

    Parameters
    ----------
    pixels : (height, width) grey values of any depth, bright = dense.
    size : side of the result, pixels.

    Returns
    -------
    (size, size) uint8. The central 80 % of the film's width and height decide the contrast: its 1st
    percentile becomes 0, its 99th 255. A film of one single grey becomes all 0.
    """
    grey = Image.fromarray(pixels.astype(np.float32))
    small = np.asarray(grey.resize((size, size), Image.Resampling.BILINEAR))  # antialiased
    edge = round(size * _MARGIN)
    low, high = np.percentile(small[edge : size - edge, edge : size - edge], _PERCENTILES)
    if high <= low:
        return np.zeros((size, size), np.uint8)
    stretched = (small - low).clip(0, high - low) * (255 / (high - low))
    return np.asarray(stretched.round(), np.uint8)


def to_input(films: NDArray[np.uint8] | Tensor) -> Tensor:
    """Scale (batch, size, size) grey values 0..255 to the (batch, 1, size, size) input."""
    scaled = (torch.as_tensor(films).unsqueeze(1).float() - _MEAN) / _SCALE
    return scaled.contiguous(memory_format=torch.channels_last)
