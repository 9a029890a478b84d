"""A compact residual trunk with squeeze-and-excitation for one-channel films."""

from torch import Tensor, nn
from torch.nn import functional

from consilium.tools.imaging.trunk import Trunk


class SqueezeExcite(nn.Module):
    """Channel gates from the channels' means (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // reduction, 1)
        self.expand = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Gate x of shape (batch, channels, height, width)."""
        gate = self.expand(functional.relu(self.reduce(x.mean((2, 3), keepdim=True))))
        gated: Tensor = x * gate.sigmoid()
        return gated


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut (He et al., CVPR 2016), gated per channel."""

    def __init__(self, incoming: int, channels: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(incoming, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
            SqueezeExcite(channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or incoming != channels:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride) if stride > 1 else nn.Identity(),
                nn.Conv2d(incoming, channels, 1, bias=False),
                nn.BatchNorm2d(channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, incoming, h, w) to (batch, channels, h / stride, w / stride)."""
        return functional.relu(self.body(x) + self.shortcut(x))


def residual_trunk(widths: tuple[int, ...], depth: int, small: bool) -> Trunk:
    """Build the trunk; the last stage keeps its side, so the heatmap is not too coarse."""
    first = widths[0]
    kernel, stride = (3, 1) if small else (5, 2)
    stem = nn.Sequential(
        nn.Conv2d(1, first, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(first),
        nn.ReLU(),
        nn.Identity() if small else nn.MaxPool2d(3, 2, 1),
    )
    stages = nn.ModuleList()
    incoming = first
    for position, width in enumerate(widths):
        halved = position > 0 and (small or position < len(widths) - 1)
        blocks = [Block(incoming, width, 2 if halved else 1)]
        blocks += [Block(width, width, 1) for _ in range(depth - 1)]
        stages.append(nn.Sequential(*blocks))
        incoming = width
    return Trunk(stem, stages, widths, tuple(range(len(widths))))
