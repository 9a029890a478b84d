"""A door for bigger weights: a DenseNet of torchxrayvision, by the path in `CONSILIUM_XRV`.

Its 18 findings stand beside the reader's own in every result. They are scores and no probabilities:
where the checkpoint has operating points, .5 is the operating point and the rest is stretched to both
sides, as the library does; nothing of it was calibrated or measured here.

The file is a state dict, as `torch.save(model.state_dict(), FILE)` or safetensors write it. The library's
own downloads are pickles of whole objects, which may run code when opened, and are refused.
"""

import os
import pickle
import threading
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file

from consilium.tools.contract import Finding, Source, ToolError
from consilium.tools.imaging.film import Pixels
from consilium.tools.imaging.xrv_network import FINDINGS, XrvDenseNet

VARIABLE = "CONSILIUM_XRV"
UNIT = "score, .5 = operating point"
UNIT_WITHOUT_POINT = "score, no operating point"
CAUTION = (
    "The findings of the torchxrayvision model are scores, not probabilities: they were neither "
    "calibrated nor measured here."
)
SOURCE = Source(name="torchxrayvision DenseNet-121", data="as its file says; given by its path")
_SIDE = 224  # pixels
_SCALE = 1024.0
_loading = threading.Lock()
_loaded: dict[tuple[Path, int], XrvDenseNet] = {}


def chosen() -> Path | None:
    """The checkpoint that the setting names; None where there is none."""
    path = os.environ.get(VARIABLE, "")
    return Path(path).expanduser() if path else None


def load(path: Path) -> XrvDenseNet:
    """Load a checkpoint; once, until the file changes.

    Raises
    ------
    ToolError
        If the file is missing, is no state dict, or is one of another network.
    """
    with _loading:
        try:
            key = (path, path.stat().st_mtime_ns)
        except OSError:
            raise ToolError(f"The file that {VARIABLE} names is not there.") from None
        if key not in _loaded:
            _loaded.clear()
            _loaded[key] = _network(_tensors(path))
        return _loaded[key]


def findings(network: XrvDenseNet, pixels: Pixels) -> list[Finding]:
    """The 18 findings of one film."""
    with torch.inference_mode():
        outputs = network(torch.as_tensor(prepare(pixels))[None, None])[0].sigmoid().double()
    points = network.op_threshs.double()
    found = []
    for name, output, point in zip(FINDINGS, outputs.tolist(), points.tolist(), strict=True):
        has_point = 0 < point < 1
        found.append(
            Finding(
                label=f"{name.replace('_', ' ').lower()} (torchxrayvision)",
                value=round(_about_point(output, point) if has_point else output, 3),
                unit=UNIT if has_point else UNIT_WITHOUT_POINT,
            )
        )
    return found


def prepare(pixels: Pixels) -> NDArray[np.float32]:
    """The library's input: the central square at 224 x 224, the depth's range at -1024..1024.

    A film of more than 8 bit has the depth that its brightest value needs: 12 bit are often kept in 16.
    """
    height, width = pixels.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side].astype(np.float32)
    small = np.asarray(Image.fromarray(square).resize((_SIDE, _SIDE), Image.Resampling.BILINEAR))
    brightest = 2 ** max(8, int(pixels.max()).bit_length()) - 1
    return np.asarray((2 * small / brightest - 1) * _SCALE, np.float32)


def _about_point(output: float, point: float) -> float:
    """Stretch 0..point to 0...5 and point..1 to .5..1."""
    return output / (2 * point) if output < point else 1 - (1 - output) / (2 * (1 - point))


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, AttributeError, ModuleNotFoundError):
        raise ToolError(
            f"The file that {VARIABLE} names is a pickled object, which may run code when opened: where it"
            " came from, write its weights alone with torch.save(model.state_dict(), FILE)."
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, SafetensorError):
        raise ToolError(f"The file that {VARIABLE} names cannot be read as weights.") from None
    if not isinstance(loaded, dict) or not all(torch.is_tensor(v) for v in loaded.values()):
        raise ToolError(f"The file that {VARIABLE} names holds no state dict.")
    return loaded


def _network(tensors: dict[str, torch.Tensor]) -> XrvDenseNet:
    network = XrvDenseNet()
    try:
        unexpected = network.load_state_dict(tensors, strict=False)
    except RuntimeError:
        unexpected = None
    if (
        unexpected is None
        or unexpected.unexpected_keys
        or set(unexpected.missing_keys) - {"op_threshs"}
    ):
        raise ToolError(
            f"The weights that {VARIABLE} names are not those of torchxrayvision's DenseNet-121 with its "
            f"{len(FINDINGS)} findings."
        )
    return network.eval()
