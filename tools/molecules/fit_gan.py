"""Fit the adversaries on the codes of the training set: seeded and resumable.

What is kept is the running average of the generator. Covers neither the codes (`autoencoder`) nor
what the molecules are worth (`evaluate`).
"""

import copy
import json
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from tqdm import tqdm

from consilium.tools.contract import ToolError
from consilium.tools.molecules.autoencoder import blur
from consilium.tools.molecules.gan import Critic, GanConfig, Generator

_COMPARED = 4096  # codes, held out from learning, that made ones are compared with


class FitGanConfig(BaseModel):
    """One run of the adversaries; see the comments in `configs/`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    codes: int
    steps: int
    batch_size: int
    critic_steps: int
    learning_rate: float
    slope_weight: float
    noise: float
    average: float
    checkpoint_every: int


def fit_gan(
    network: GanConfig, config: FitGanConfig, codes: Tensor, origin: str, seed: int, run: Path
) -> Generator:
    """Train, or go on where `run` stopped, and return the averaged generator.

    Parameters
    ----------
    codes : (n, latent) codes of real molecules, shuffled.
    origin : names the autoencoder that they are of; a run goes on with the same one only.
    """
    held_out = min(_COMPARED, len(codes) // 4)
    learned, watched = codes[:-held_out], codes[-held_out:]
    state = _State(network, config, learned, origin, seed, run)
    progress = tqdm(total=config.steps, initial=state.step, desc="gan", unit="step")
    while state.step < config.steps:
        distance = state.learn()
        progress.update()
        if state.step % config.checkpoint_every == 0 or state.step == config.steps:
            record = {"step": state.step, "critic_distance": round(distance, 4)}
            record |= compare(state.average, watched)
            with (run / "gan.jsonl").open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(record) + "\n")
            progress.set_postfix(record)
            state.save()
    progress.close()
    return state.average.eval()


@torch.inference_mode()
def compare(generator: Generator, real: Tensor) -> dict[str, float]:
    """Return the energy distance of made from real codes, and its floor.

    Szekely and Rizzo 2013, J. Stat. Plan. Inference 143:1249. The floor is that of two halves of
    the real ones.
    """
    half = len(real) // 2
    made = generator.draw(half, torch.Generator().manual_seed(1))
    return {
        "energy": round(_energy(made, real[:half]), 5),
        "energy_floor": round(_energy(real[half : 2 * half], real[:half]), 5),
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
        rate, betas = config.learning_rate, (0.5, 0.9)
        self.generator_optimizer = torch.optim.Adam(self.generator.parameters(), rate, betas)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), rate, betas)
        if (run / "gan.pt").exists():
            self._load()

    def learn(self) -> float:
        """Let the critic learn, then the generator; return the critic's distance."""
        config = self.config
        # Seeded by step, so that a resumed run does what an unbroken one would have done.
        chance = torch.Generator().manual_seed(self.seed * 1_000_000 + self.step)
        # The learning rate falls to 0 over the run: the adversaries come to rest.
        for optimizer in (self.generator_optimizer, self.critic_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * (1 - self.step / config.steps)
        distance = 0.0
        for _ in range(config.critic_steps):
            rows = torch.randint(len(self.codes), (config.batch_size,), generator=chance)
            real = self._blur(self.codes[rows], chance)
            with torch.no_grad():
                made = self._blur(self.generator.draw(config.batch_size, chance), chance)
            gap = self.critic(made).mean() - self.critic(real).mean()
            penalty = self.critic.slope_penalty(real, made, chance)
            self.critic_optimizer.zero_grad()
            torch.autograd.backward(gap + config.slope_weight * penalty)
            self.critic_optimizer.step()
            distance = -gap.item()
        made = self._blur(self.generator.draw(config.batch_size, chance), chance)
        self.generator_optimizer.zero_grad()
        torch.autograd.backward(-self.critic(made).mean())
        self.generator_optimizer.step()
        self._update_average()
        self.step += 1
        return distance

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
                "The run folder holds adversaries of another configuration or of an autoencoder "
                "that has learned on since: move gan.pt away to fit them anew."
            )
        self.step = state["step"]
        for name in _PARTS:
            getattr(self, name).load_state_dict(state[name])

    def _blur(self, codes: Tensor, chance: torch.Generator) -> Tensor:
        return blur(codes, torch.full((len(codes), 1), self.config.noise), chance)

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.config.average, (1 + self.step) / (10 + self.step))
        pairs = zip(self.average.parameters(), self.generator.parameters(), strict=True)
        for average, current in pairs:
            average.lerp_(current, 1 - decay)


_PARTS = ("generator", "average", "critic", "generator_optimizer", "critic_optimizer")


def _energy(one: Tensor, other: Tensor) -> float:
    within = (_mean_distance(one, one) + _mean_distance(other, other)) * len(one) / (len(one) - 1)
    return (2 * _mean_distance(one, other) - within).item()


def _mean_distance(one: Tensor, other: Tensor) -> Tensor:
    return torch.cdist(one.double(), other.double()).mean()
