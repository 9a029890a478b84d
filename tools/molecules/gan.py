"""The adversaries: a generator of latent points and the critic that it learns from.

A Wasserstein GAN (Gulrajani et al. 2017, arXiv:1704.00028) between the autoencoder's codes of real
molecules and points made from chance, as LatentGAN does (Prykhodko et al. 2019, J. Cheminform. 11:74).
The critic sees both with noise on them, which keeps it from dwelling on what the decoder ignores.
"""

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional

from consilium.tools.molecules.autoencoder import to_sphere


class GanConfig(BaseModel):
    """Sizes of both adversaries: width and number of residual blocks, and chance put in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chance: int
    generator_width: int
    generator_depth: int
    critic_width: int
    critic_depth: int


class Generator(nn.Module):
    """(n, chance) standard normal numbers to (n, latent) codes on the sphere, without noise."""

    def __init__(self, config: GanConfig, latent: int) -> None:
        super().__init__()
        self.chance = config.chance
        self.body = _body(config.chance, config.generator_width, config.generator_depth, latent)

    def forward(self, chance: Tensor) -> Tensor:
        """Return codes."""
        return to_sphere(self.body(chance))

    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Return `count` codes from fresh chance."""
        codes: Tensor = self(torch.randn(count, self.chance, generator=generator))
        return codes


class Critic(nn.Module):
    """(n, latent) noisy codes to (n,) scores: higher is more like a real molecule's."""

    def __init__(self, config: GanConfig, latent: int) -> None:
        super().__init__()
        self.body = _body(latent, config.critic_width, config.critic_depth, 1)

    def forward(self, codes: Tensor) -> Tensor:
        """Return scores."""
        scores: Tensor = self.body(codes)[:, 0]
        return scores

    def slope_penalty(self, real: Tensor, made: Tensor, generator: torch.Generator) -> Tensor:
        """Return the mean squared excess of the slope over 1 between real and made codes."""
        share = torch.rand(len(real), 1, generator=generator)
        between = (share * real + (1 - share) * made).requires_grad_()
        (slope,) = torch.autograd.grad(self(between).sum(), between, create_graph=True)
        return functional.relu(slope.norm(dim=1) - 1).square().mean()


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, width)
        )

    def forward(self, values: Tensor) -> Tensor:
        out: Tensor = values + self.layers(values)
        return out


def _body(inputs: int, width: int, depth: int, outputs: int) -> nn.Sequential:
    blocks = [_Block(width) for _ in range(depth)]
    return nn.Sequential(
        nn.Linear(inputs, width), *blocks, nn.LeakyReLU(0.2), nn.Linear(width, outputs)
    )
