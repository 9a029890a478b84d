"""The picture that goes with a reading: the film, and beside it where the network looked.

Grad-CAM (Selvaraju et al., ICCV 2017) of the last stage. The map is coarse (9 x 9 cells): it points
at a region, it does not outline a lesion.
"""

import threading
from pathlib import Path

import numpy as np
import torch
from captum.attr import LayerGradCam
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from consilium.tools.imaging.film import Pixels, to_display
from consilium.tools.imaging.network import FilmNet
from consilium.tools.imaging.preprocess import prepare, to_input

_SHOWN_SIDE = 700  # pixels of the longer side in the figure
_DPI = 100
_OPACITY = 0.45
_ONE_AT_A_TIME = threading.Lock()  # Captum hangs hooks on the shared network


def attention(network: FilmNet, pixels: Pixels) -> NDArray[np.float32]:
    """Return the (cells, cells) map of what speaks for pneumonia, 0..1; all 0 if nothing does."""
    film = to_input(prepare(pixels, network.config.input_size)[None])
    with _ONE_AT_A_TIME, torch.enable_grad():
        raw = LayerGradCam(network, network.stages[-1]).attribute(film, relu_attributions=True)
    heat: NDArray[np.float32] = raw.detach()[0, 0].numpy()
    highest = float(heat.max())
    return heat / highest if highest > 0 else heat


def draw(pixels: Pixels, heat: NDArray[np.float32], path: Path) -> None:
    """Write a PNG with the film and its heatmap side by side, in the film's own aspect ratio."""
    film = Image.fromarray(to_display(pixels))
    film.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    overlay = Image.fromarray(heat).resize(film.size, Image.Resampling.BICUBIC)
    width, height = film.size
    figure = Figure(figsize=((2 * width + 180) / _DPI, (height + 80) / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for axes, title in ((left, "Film"), (right, "What spoke for pneumonia (Grad-CAM)")):
        axes.imshow(film, cmap="gray", vmin=0, vmax=255)
        axes.set_title(title, fontsize=11)
        axes.set_axis_off()
    shown = right.imshow(np.asarray(overlay).clip(0, 1), cmap="jet", alpha=_OPACITY, vmin=0, vmax=1)
    bar = figure.colorbar(shown, ax=(left, right), fraction=0.025, pad=0.02)
    bar.set_label("relative weight in this film, 0 to 1", fontsize=9)
    figure.savefig(path, bbox_inches="tight")
