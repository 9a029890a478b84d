"""The picture that goes with a reading: the film, and beside it where the networks looked.

Grad-CAM (Selvaraju et al., ICCV 2017) of one stage of each network, summed. The map is coarse (5 x 5
cells): it tells where the network looked, not where a lesion is. How well it points is on the card.
"""

import copy
from pathlib import Path

import numpy as np
import torch
from captum.attr import LayerGradCam
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from consilium.tools.imaging.ensemble import Ensemble, sized
from consilium.tools.imaging.film import Pixels, to_display
from consilium.tools.imaging.network import FilmNet
from consilium.tools.imaging.preprocess import prepare, to_input

_LONGEST = 2048  # pixels of a side in the figure
_READABLE = 800
_LETTERS = 11  # points, in a film of `_READABLE` pixels
_DPI = 100
_OPACITY = 0.6  # where the map is highest; where it is 0 the film shows through unchanged
_CELLS = 40  # side of the summed map
# The stage that is looked at: the one that points best at the boxes of training patients (docs/decisions/0015).
_STAGE = {"residual": -1, "efficientnet_lite0": 5}


def attention(network: Ensemble, pixels: Pixels) -> NDArray[np.float32]:
    """Return the (cells, cells) map of what speaks for pneumonia, 0..1; all 0 if nothing does."""
    return attend(network, prepare(pixels, network.input_size))


def attend(network: Ensemble, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """As `attention`, of a (size, size) prepared film."""
    film = to_input(picture[None])
    total = np.zeros((_CELLS, _CELLS), np.float32)
    for member in network.nets:
        heat = _grad_cam(member, sized(film, member.config.input_size))
        highest = float(heat.max())
        total += heat / highest if highest > 0 else heat
    return total / max(float(total.max()), 1e-9)


def _grad_cam(network: FilmNet, film: torch.Tensor) -> NDArray[np.float32]:
    # Captum hangs hooks on the network; on a shared one they would also catch what another call reads meanwhile.
    own = copy.deepcopy(network)
    layer = own.stages[_STAGE[own.config.architecture]]
    with torch.enable_grad():
        raw = LayerGradCam(own, layer).attribute(film, relu_attributions=True)
    heat = functional.interpolate(raw.detach(), (_CELLS, _CELLS), mode="bilinear")
    cells: NDArray[np.float32] = heat[0, 0].numpy()
    return cells


def draw(pixels: Pixels, heat: NDArray[np.float32], path: Path) -> None:
    """Write a PNG with the film and its heatmap side by side, pixel by pixel as the film is.

    Small films are shown in whole multiples of their size, and films beyond `_LONGEST` are reduced.
    """
    film = Image.fromarray(to_display(pixels))
    film.thumbnail((_LONGEST, _LONGEST))
    times = max(1, _READABLE // max(film.size))
    film = film.resize((film.width * times, film.height * times), Image.Resampling.BICUBIC)
    weight = np.asarray(Image.fromarray(heat).resize(film.size, Image.Resampling.BICUBIC))
    unit = max(film.size) / _READABLE  # so that letters keep their share of the picture
    gap, head, bar = round(20 * unit), round(40 * unit), round(18 * unit)
    width, height = 2 * film.width + 3 * gap + 6 * bar, film.height + head + gap
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)

    def place(left: int, wide: int) -> Axes:
        return figure.add_axes((left / width, gap / height, wide / width, film.height / height))

    left, right = place(gap, film.width), place(2 * gap + film.width, film.width)
    for axes, title in (
        (left, "Film"),
        (right, "What spoke for pneumonia (Grad-CAM; no map of a lesion)"),
    ):
        axes.imshow(film, cmap="gray", vmin=0, vmax=255, interpolation="none", aspect="auto")
        axes.set_title(title, fontsize=_LETTERS * unit)
        axes.set_axis_off()
    weight = weight.clip(0, 1)
    shown = right.imshow(
        weight, cmap="inferno", alpha=_OPACITY * weight, vmin=0, vmax=1, aspect="auto"
    )
    scale = figure.colorbar(shown, cax=place(3 * gap + 2 * film.width, bar))
    if scale.solids is not None:
        scale.solids.set_alpha(1)
    scale.set_label("relative weight in this film, 0 to 1", fontsize=_LETTERS * unit)
    scale.ax.tick_params(labelsize=_LETTERS * unit, width=unit, length=4 * unit)
    figure.savefig(path)
