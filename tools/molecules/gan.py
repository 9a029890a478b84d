"""The adversaries: a generator of codes, and a critic that tells them from those of real molecules.

A GAN (Goodfellow et al. 2014, arXiv:1406.2661) between the codes of real molecules and points made from
chance, in a latent space as LatentGAN's (Prykhodko et al. 2019, J. Cheminform. 11:74). The critic sees
both with noise of many sizes on them, as the decoder does: it keeps them from being told apart by what
the decoder cannot see.
"""

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from consilium.tools.molecules.decoder import scaled

_SLOPE = 0.2  # of the leaky rectifiers
_FIRST = 0.3  # of a block's usual weights, to begin with


class GanConfig(BaseModel):
    """Sizes: random numbers that a code is made from, width and residual blocks of each adversary."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chance: int
    generator_width: int
    generator_depth: int
    critic_width: int
    critic_depth: int


class Generator(nn.Module):
    """Codes from standard normal chance, without noise.

    Untrained it passes its chance on, so that its codes are standard normal; all else it learns from
    the critic.
    """

    def __init__(self, config: GanConfig, latent: int) -> None:
        super().__init__()
        self.chance, self.latent = max(config.chance, latent), latent
        self.body = _body(self.chance, config.generator_width, config.generator_depth, latent)
        for name in ("weight", "bias"):
            nn.init.zeros_(self.get_parameter(f"body.{len(self.body) - 1}.{name}"))

    def forward(self, chance: Tensor) -> Tensor:
        """Return the (n, latent) codes of (n, chance) random numbers."""
        codes: Tensor = chance[:, : self.latent] + self.body(chance)
        return codes

    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Return `count` codes from fresh chance."""
        codes: Tensor = self(torch.randn(count, self.chance, generator=generator))
        return codes


class Critic(nn.Module):
    """(n, latent) points and the size of their noise, (n, 1), to (n,): how real each looks."""

    def __init__(self, config: GanConfig, latent: int) -> None:
        super().__init__()
        self.body = _body(latent + 1, config.critic_width, config.critic_depth, 1)

    def forward(self, points: Tensor, noise: Tensor) -> Tensor:
        """Return scores; only their differences mean something."""
        scores: Tensor = self.body(scaled(points, noise))[:, 0]
        return scores


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LeakyReLU(_SLOPE),
            nn.Linear(width, width),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(width, width),
        )
        with torch.no_grad():
            self.get_parameter("layers.3.weight").mul_(_FIRST)

    def forward(self, values: Tensor) -> Tensor:
        out: Tensor = values + self.layers(values)
        return out


def _body(inputs: int, width: int, depth: int, outputs: int) -> nn.Sequential:
    blocks = [_Block(width) for _ in range(depth)]
    return nn.Sequential(
        nn.Linear(inputs, width), *blocks, nn.LeakyReLU(_SLOPE), nn.Linear(width, outputs)
    )
