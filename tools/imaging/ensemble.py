"""Several networks that read a film together: the mean of their log-odds."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from consilium.tools.imaging.network import FilmNet, NetworkConfig, Output


class Ensemble(nn.Module):
    """Networks side by side; the embedding is the first one's."""

    def __init__(self, members: Sequence[FilmNet]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @classmethod
    def of(cls, configs: Sequence[NetworkConfig]) -> "Ensemble":
        """Networks of the given shapes, with random weights."""
        return cls([FilmNet(config) for config in configs])

    @property
    def input_size(self) -> int:
        """Side of the films it takes, pixels: that of the finest member."""
        return max(member.config.input_size for member in self.nets)

    @property
    def nets(self) -> list[FilmNet]:
        """The members."""
        return [member for member in self.members if isinstance(member, FilmNet)]

    def forward(self, films: Tensor) -> Tensor:
        """Return (batch,) uncalibrated log-odds for (batch, 1, side, side) inputs."""
        return self.read(films).logits

    def read(self, films: Tensor) -> Output:
        """Return the mean log-odds and the first member's embedding."""
        outputs = [member.read(sized(films, member.config.input_size)) for member in self.nets]
        logits = torch.stack([output.logits for output in outputs]).mean(0)
        return Output(logits, outputs[0].embedding)


def sized(films: Tensor, size: int) -> Tensor:
    """Films (batch, 1, side, side) at another side."""
    if films.shape[-1] == size:
        return films
    return functional.interpolate(films, (size, size), mode="bilinear", antialias=True)
