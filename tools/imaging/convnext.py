"""A small trunk after ConvNeXt (Liu et al., CVPR 2022), with batch instead of layer normalisation."""

from torch import Tensor, nn
from torch.nn import functional

from consilium.tools.imaging.trunk import Trunk


class ConvNextBlock(nn.Module):
    """A 7x7 depthwise convolution and a pointwise perceptron, with a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, 1, 3, groups=channels, bias=False)
        self.normal = nn.BatchNorm2d(channels)
        self.expand = nn.Conv2d(channels, 4 * channels, 1)
        self.project = nn.Conv2d(4 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, h, w) to the same shape."""
        hidden = functional.gelu(self.expand(self.normal(self.depthwise(x))))
        mapped: Tensor = x + self.project(hidden)
        return mapped


def convnext_trunk(widths: tuple[int, ...], depth: int, small: bool) -> Trunk:
    """Build the trunk; the last stage keeps its side."""
    patch = 2 if small else 4
    stem = nn.Sequential(
        nn.Conv2d(1, widths[0], patch, patch, bias=False), nn.BatchNorm2d(widths[0])
    )
    stages = nn.ModuleList()
    incoming = widths[0]
    for position, width in enumerate(widths):
        side = 2 if 0 < position < len(widths) - 1 else 1
        entry: list[nn.Module] = []
        if width != incoming or side != 1:
            entry = [nn.BatchNorm2d(incoming), nn.Conv2d(incoming, width, side, side, bias=False)]
        stages.append(nn.Sequential(*entry, *(ConvNextBlock(width) for _ in range(depth))))
        incoming = width
    return Trunk(stem, stages, widths, tuple(range(len(widths))))
