"""The network: a trunk of one of several architectures, and one logit from its last stage."""

from typing import Literal, NamedTuple, Self

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from consilium.tools.imaging.efficientnet import efficientnet_trunk
from consilium.tools.imaging.residual import residual_trunk
from consilium.tools.imaging.trunk import Trunk

_FEW = 2  # films that go through the frozen stages at a time

Architecture = Literal["residual", "efficientnet_lite0"]


class NetworkConfig(BaseModel):
    """Shape of the network.

    Parameters
    ----------
    architecture : the trunk; "efficientnet_lite0" has its own widths and depths.
    input_size : side of the square input, pixels.
    widths : channels of the stages; each stage after the first halves the side.
    depth : blocks per stage.
    small : for thumbnails (28 pixels): the stem keeps the side instead of quartering it.
    dropout : share of the embedding dropped in training, 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: Architecture = "residual"
    input_size: int = 128
    widths: tuple[int, ...] = (32, 64, 96, 160)
    depth: int = 2
    small: bool = False
    dropout: float = 0.2


class Output(NamedTuple):
    """What one pass gives.

    Parameters
    ----------
    logits : (batch,) uncalibrated log-odds of pneumonia.
    embedding : (batch, d) mean activations of several stages, to tell strange films by.
    """

    logits: Tensor
    embedding: Tensor


class FilmNet(nn.Module):
    """From a (batch, 1, side, side) film to one logit; Grad-CAM looks at `stages`."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        trunk = _trunk(config)
        self.stem, self.stages, self.embedded = trunk.stem, trunk.stages, trunk.embedded
        self.frozen = 0  # stages at the start that are not trained, and the stem with them
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(trunk.widths[-1], 1)

    def forward(self, films: Tensor) -> Tensor:
        """Return (batch,) logits of pneumonia for (batch, 1, side, side) films scaled to mean 0."""
        return self.read(films).logits

    def read(self, films: Tensor) -> Output:
        """Return the logits together with the embedding."""
        x, means = self._frozen_part(films)
        for stage in self.stages[self.frozen :]:
            x = stage(x)
            means.append(x.mean((2, 3)))
        logits = self.head(self.dropout(means[-1])).squeeze(1)
        return Output(logits, torch.cat([means[stage] for stage in self.embedded], dim=1))

    def train(self, mode: bool = True) -> Self:
        """Set the mode; frozen stages keep the statistics they came with."""
        super().train(mode)
        if self.frozen:
            self.stem.eval()
            self.stages[: self.frozen].eval()
        return self

    def _frozen_part(self, films: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Run stem and frozen stages, a few films at a time so that all stays in the cache."""
        if not self.frozen:
            return self.stem(films), []
        outs, means = [], []
        with torch.no_grad():
            for part in torch.split(films, _FEW):
                x = self.stem(part)
                seen = []
                for stage in self.stages[: self.frozen]:
                    x = stage(x)
                    seen.append(x.mean((2, 3)))
                outs.append(x)
                means.append(seen)
        return torch.cat(outs), [torch.cat(stage) for stage in zip(*means, strict=True)]


def _trunk(config: NetworkConfig) -> Trunk:
    if config.architecture == "efficientnet_lite0":
        return efficientnet_trunk()
    return residual_trunk(config.widths, config.depth, config.small)
