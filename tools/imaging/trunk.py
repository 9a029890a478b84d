"""What every architecture gives to the network: a stem, stages, and which of them to embed by."""

from typing import NamedTuple

from torch import nn


class Trunk(NamedTuple):
    """The convolutional part of a network.

    Parameters
    ----------
    stem : from one grey channel to the first stage.
    stages : run one after the other; the last one feeds the head.
    widths : channels that each stage gives.
    embedded : positions of the stages whose mean activations make the embedding.
    """

    stem: nn.Module
    stages: nn.ModuleList
    widths: tuple[int, ...]
    embedded: tuple[int, ...]
