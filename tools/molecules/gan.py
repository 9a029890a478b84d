"""The adversaries: a generator of codes, and a critic that tells them from those of real molecules.

A GAN (Goodfellow et al. 2014, arXiv:1406.2661) between the codes of real molecules and points made from
chance, in a latent space as LatentGAN's (Prykhodko et al. 2019, J. Cheminform. 11:74). The critic sees
both with noise of many sizes on them, as the decoder does: it keeps them from being told apart by what
the decoder cannot see. When sampling, it has the last word (`draw`).
"""

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from consilium.tools.molecules.decoder import blur, scaled
from consilium.tools.molecules.mixture import Mixture

_BATCH = 4096
_CEILING = 0.99  # share of points that the ceiling lies above


class GanConfig(BaseModel):
    """Sizes: parts of the mixture, chance put in besides, width and residual blocks of each adversary."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: int
    chance: int
    generator_width: int
    generator_depth: int
    critic_width: int
    critic_depth: int


class Generator(nn.Module):
    """Codes from chance, without noise.

    It begins as a mixture of normal distributions (as DeLiGAN's input is: Gurumurthy et al. 2017,
    arXiv:1706.02071); how to move its points it learns from the critic.
    """

    def __init__(self, config: GanConfig, latent: int) -> None:
        super().__init__()
        self.chance, self.latent = config.chance, latent
        self.register_buffer("shares", torch.ones(config.parts) / config.parts)
        self.register_buffer("means", torch.zeros(config.parts, latent))
        self.register_buffer("factors", torch.eye(latent).repeat(config.parts, 1, 1))
        inputs = latent + config.chance
        self.body = _body(inputs, config.generator_width, config.generator_depth, latent)
        nn.init.zeros_(self.get_parameter(f"body.{len(self.body) - 1}.weight"))
        nn.init.zeros_(self.get_parameter(f"body.{len(self.body) - 1}.bias"))

    def begin(self, mixture: Mixture) -> None:
        """Take the mixture to begin with."""
        for name, value in mixture._asdict().items():
            self.get_buffer(name).copy_(value)

    def forward(self, codes: Tensor, chance: Tensor) -> Tensor:
        """Return (n, latent) codes that those of the mixture have been moved to."""
        moved: Tensor = codes + self.body(torch.cat([codes, chance], 1))
        return moved

    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Return `count` codes from fresh chance."""
        chance = torch.randn(count, self.chance, generator=generator)
        codes: Tensor = self(self.unmoved(count, generator), chance)
        return codes

    @torch.no_grad()
    def unmoved(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Return `count` codes of the mixture alone."""
        parts = torch.multinomial(
            self.get_buffer("shares"), count, replacement=True, generator=generator
        )
        chance = torch.randn(count, self.latent, 1, generator=generator)
        spread = (self.get_buffer("factors")[parts] @ chance)[..., 0]
        return self.get_buffer("means")[parts] + spread


class Critic(nn.Module):
    """(n, latent) points and the size of their noise, (n, 1), to the (n,) log odds that they are real."""

    def __init__(self, config: GanConfig, latent: int) -> None:
        super().__init__()
        self.body = _body(latent + 1, config.critic_width, config.critic_depth, 1)

    def forward(self, points: Tensor, noise: Tensor) -> Tensor:
        """Return log odds."""
        odds: Tensor = self.body(scaled(points, noise))[:, 0]
        return odds


@torch.inference_mode()
def ceiling(generator: Generator, critic: Critic, noise: float) -> float:
    """Return the log odds at and above which `draw` keeps every point."""
    chance = torch.Generator().manual_seed(0)
    odds = critic(*_noisy(generator, _BATCH, noise, chance))
    return float(odds.quantile(_CEILING))


@torch.inference_mode()
def draw(
    generator: Generator,
    critic: Critic,
    count: int,
    noise: float,
    highest: float,
    chance: torch.Generator,
) -> Tensor:
    """Draw (count, latent) points with their noise on them, kept as the critic's odds say.

    The odds are how much denser real points are than made ones; keeping a point by its odds as a share
    of the highest makes up for it (rejection sampling: Azadi et al. 2019, arXiv:1810.06758).

    Parameters
    ----------
    highest : log odds from `ceiling`; few have more, and those count as if they had as much.
    """
    kept, found = [], 0
    while found < count:
        points, size = _noisy(generator, _BATCH, noise, chance)
        share = (critic(points, size) - highest).exp()
        kept.append(points[torch.rand(_BATCH, generator=chance) < share])
        found += len(kept[-1])
    return torch.cat(kept)[:count]


def _noisy(
    generator: Generator, count: int, noise: float, chance: torch.Generator
) -> tuple[Tensor, Tensor]:
    size = torch.full((count, 1), noise)
    return blur(generator.draw(count, chance), size, chance), size


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
