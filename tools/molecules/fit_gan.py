"""Fit the adversaries on the codes of the training set: seeded and resumable.

The loss is relativistic: the critic compares each real point with a made one, so that no one clump of
codes is left out; what it may say is held back by the square of its slope at both (R3GAN: Huang et al.
2024, arXiv:2501.05441). What is kept is the running average of the generator. Covers neither the codes
(`codes`) nor what the molecules are worth (`evaluate`).
"""

import copy
import json
import math
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from consilium.tools.contract import ToolError
from consilium.tools.molecules.decoder import blur
from consilium.tools.molecules.gan import Critic, GanConfig, Generator

_COMPARED = 4096  # codes, held out from learning, that made ones are compared with
_NOISE = 0.7  # on both when they are


class FitGanConfig(BaseModel):
    """One run of the adversaries; see the comments in `configs/`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    codes: int
    steps: int
    batch_size: int
    critic_rate: float
    generator_rate: float
    penalty: float
    last_penalty: float
    penalty_every: int
    least_noise: float
    most_noise: float
    average: float
    checkpoint_every: int
    half_precision: bool = False


def fit_gan(
    network: GanConfig, config: FitGanConfig, codes: Tensor, origin: str, seed: int, run: Path
) -> Generator:
    """Train, or go on where `run` stopped, and return the averaged generator.

    Parameters
    ----------
    codes : (n, latent) codes of real molecules, shuffled.
    origin : names the directions that they are seen along; a run goes on with the same ones only.
    """
    held_out = min(_COMPARED, len(codes) // 4)
    learned, watched = codes[:-held_out], codes[-held_out:]
    state = _State(network, config, learned, origin, seed, run)
    progress = tqdm(total=config.steps, initial=state.step, desc="gan", unit="step")
    while state.step < config.steps:
        loss = state.learn()
        progress.update()
        if state.step % config.checkpoint_every == 0 or state.step == config.steps:
            record = {"step": state.step, "loss": round(loss, 4)}
            record |= compare(state.average, state.critic, watched)
            with (run / "gan.jsonl").open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(record) + "\n")
            progress.set_postfix(record)
            state.save()
    progress.close()
    return state.average.eval()


@torch.inference_mode()
def compare(
    generator: Generator, critic: Critic, real: Tensor, noise: float = _NOISE
) -> dict[str, float]:
    """Return the energy distance of made from real points.

    Szekely and Rizzo 2013, J. Stat. Plan. Inference 143:1249. The floor is that of two halves of
    the real ones. `critic_loss` is the critic's on points it did not learn from; .693 is a guess.
    """
    half, chance = len(real) // 2, torch.Generator().manual_seed(1)
    size = torch.full((half, 1), noise)
    one, other = (blur(part, size, chance) for part in (real[:half], real[half : 2 * half]))
    made = blur(generator.draw(half, chance), size, chance)
    return {
        "energy": round(_energy(made, one), 5),
        "energy_floor": round(_energy(other, one), 5),
        "critic_loss": round(_loss(critic(one, size), critic(made, size)).item(), 4),
    }


class _State:
    """Both adversaries, their optimisers and their place in the run."""

    def __init__(
        self,
        network: GanConfig,
        config: FitGanConfig,
        codes: Tensor,
        origin: str,
        seed: int,
        run: Path,
    ) -> None:
        torch.manual_seed(seed)
        self.config, self.codes, self.seed, self.run = config, codes, seed, run
        self.identity = json.dumps(
            [
                network.model_dump(),
                config.model_dump(exclude={"steps", "checkpoint_every"}),
                seed,
                origin,
                len(codes),
            ]
        )
        self.step = 0
        self.generator = Generator(network, codes.shape[1])
        self.average = copy.deepcopy(self.generator)
        self.critic = Critic(network, codes.shape[1])
        betas = (0.0, 0.99)
        self.generator_optimizer = torch.optim.Adam(
            self.generator.parameters(), config.generator_rate, betas
        )
        self.critic_optimizer = torch.optim.Adam(
            self.critic.parameters(), config.critic_rate, betas
        )
        if (run / "gan.pt").exists():
            self._load()

    def learn(self) -> float:
        """Let the critic learn, then the generator; return the critic's loss."""
        config = self.config
        # Seeded by step, so that a resumed run does what an unbroken one would have done.
        chance = torch.Generator().manual_seed(self.seed * 1_000_000 + self.step)
        left = _falling(self.step / config.steps)
        _set_rate(self.critic_optimizer, config.critic_rate * left)
        _set_rate(self.generator_optimizer, config.generator_rate * left)
        rows = torch.randint(len(self.codes), (config.batch_size,), generator=chance)
        size = torch.rand(config.batch_size, 1, generator=chance)
        size = config.least_noise + size * (config.most_noise - config.least_noise)
        real = blur(self.codes[rows], size, chance)
        with self._precision():
            made = self.generator.draw(len(rows), chance)
        made = blur(made.float(), size, chance)
        loss = self._teach_critic(real, made.detach(), size)
        self._teach_generator(real, made, size)
        self.step += 1
        return loss

    def _teach_critic(self, real: Tensor, made: Tensor, size: Tensor) -> float:
        points, sizes = torch.cat([real, made]), torch.cat([size, size])
        penalised = self.step % self.config.penalty_every == 0
        points.requires_grad_(penalised)
        scores = self._scores(points, sizes)
        loss = _loss(scores[: len(real)], scores[len(real) :])
        total = loss
        if penalised:
            (slopes,) = torch.autograd.grad(scores.sum(), points, create_graph=True)
            # Of the real and of the made points, so twice the mean over both.
            total = loss + self._penalty() * slopes.square().sum(1).mean()
        self.critic_optimizer.zero_grad()
        torch.autograd.backward(total)
        self.critic_optimizer.step()
        return loss.item()

    def _teach_generator(self, real: Tensor, made: Tensor, size: Tensor) -> None:
        self.critic.requires_grad_(False)
        loss = _loss(self._scores(made, size), self._scores(real, size))
        self.generator_optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.generator_optimizer.step()
        self.critic.requires_grad_(True)
        self._update_average()

    def _scores(self, points: Tensor, size: Tensor) -> Tensor:
        with self._precision():
            scores: Tensor = self.critic(points, size)
        return scores.float()

    def _precision(self) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=self.config.half_precision)

    def _penalty(self) -> float:
        """Weight of the penalty, as much more as it is rarer; it falls in the run's first half."""
        config = self.config
        left = _falling(min(2 * self.step / config.steps, 1.0))
        now = config.last_penalty + (config.penalty - config.last_penalty) * left
        return now * config.penalty_every

    def save(self) -> None:
        """Write everything that resuming needs; the file appears whole or not at all."""
        state = {"identity": self.identity, "step": self.step}
        state |= {name: getattr(self, name).state_dict() for name in _PARTS}
        partial = self.run / "gan.pt.part"
        torch.save(state, partial)
        partial.replace(self.run / "gan.pt")

    def _load(self) -> None:
        state: dict[str, Any] = torch.load(self.run / "gan.pt", weights_only=True)
        if state["identity"] != self.identity:
            raise ToolError(
                "The run folder holds adversaries of another configuration or of other codes: "
                "move gan.pt away to fit them anew."
            )
        self.step = state["step"]
        for name in _PARTS:
            getattr(self, name).load_state_dict(state[name])

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.config.average, (1 + self.step) / (10 + self.step))
        pairs = zip(self.average.parameters(), self.generator.parameters(), strict=True)
        for average, current in pairs:
            average.lerp_(current, 1 - decay)


_PARTS = ("generator", "average", "critic", "generator_optimizer", "critic_optimizer")


def _loss(higher: Tensor, lower: Tensor) -> Tensor:
    """How far one side's scores are from lying above the other's, pair by pair."""
    return functional.softplus(lower - higher).mean()


def _falling(share: float) -> float:
    return (1 + math.cos(math.pi * share)) / 2


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _energy(one: Tensor, other: Tensor) -> float:
    within = (_mean_distance(one, one) + _mean_distance(other, other)) * len(one) / (len(one) - 1)
    return (2 * _mean_distance(one, other) - within).item()


def _mean_distance(one: Tensor, other: Tensor) -> Tensor:
    return torch.cdist(one.double(), other.double()).mean()
