"""The network: a compact residual CNN with squeeze-and-excitation for one-channel films.

Small enough (1.3 million parameters) to train from scratch on one CPU core and to be kept in git.
"""

from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional


class NetworkConfig(BaseModel):
    """Shape of the network.

    Parameters
    ----------
    input_size : side of the square input, pixels.
    widths : channels of the stages; each stage after the first halves the side.
    depth : residual blocks per stage.
    dropout : share of the embedding dropped in training, 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_size: int = 128
    widths: tuple[int, ...] = (32, 64, 96, 160)
    depth: int = 2
    dropout: float = 0.2


class Output(NamedTuple):
    """What one pass gives.

    Parameters
    ----------
    logits : (batch,) uncalibrated log-odds of pneumonia.
    embedding : (batch, sum(widths)) mean activations of all stages, to tell strange films by.
    """

    logits: Tensor
    embedding: Tensor


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


class FilmNet(nn.Module):
    """Residual network from a (batch, 1, side, side) film to one logit.

    Grad-CAM looks at `stages[-1]`. The last stage keeps its side, so the map is not too coarse.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        first = config.widths[0]
        self.stem = nn.Sequential(
            nn.Conv2d(1, first, 5, 2, 2, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        )
        self.stages = nn.ModuleList()
        incoming = first
        for position, width in enumerate(config.widths):
            stride = 2 if 0 < position < len(config.widths) - 1 else 1
            blocks = [Block(incoming, width, stride)]
            blocks += [Block(width, width, 1) for _ in range(config.depth - 1)]
            self.stages.append(nn.Sequential(*blocks))
            incoming = width
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(incoming, 1)

    def forward(self, films: Tensor) -> Tensor:
        """Return (batch,) logits of pneumonia for (batch, 1, side, side) films scaled to mean 0."""
        return self.read(films).logits

    def read(self, films: Tensor) -> Output:
        """Return the logits together with the embedding."""
        x = self.stem(films)
        means = []
        for stage in self.stages:
            x = stage(x)
            means.append(x.mean((2, 3)))
        logits = self.head(self.dropout(means[-1])).squeeze(1)
        return Output(logits, torch.cat(means, dim=1))
