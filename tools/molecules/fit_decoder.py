"""Fit the decoder: seeded, resumable, and made to be continued.

The learning rate rises, stays, and falls at the end. The state before the fall is kept
(`plateau.pt`), so a run that was finished can be given more molecules later: it goes on from there.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from tqdm import tqdm

from consilium.tools.contract import ToolError
from consilium.tools.molecules.data import Pieces, TrainingSet
from consilium.tools.molecules.decoder import Decoder, DecoderConfig, blur
from consilium.tools.molecules.grammar import Grammar

_POOL = 64  # batches that are sorted by length together, so that little is spent on padding
_HELD_OUT = 4096  # molecules that are not learned from
_WATCHED = 512  # of them, at each checkpoint
Rows = NDArray[np.int64]


class FitDecoderConfig(BaseModel):
    """One run of the decoder; see the comments in `configs/`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    molecules: int
    batch_size: int
    learning_rate: float
    warmup: int
    fall: float
    weight_decay: float
    clip: float
    checkpoint_every: int
    half_precision: bool = False

    @property
    def steps(self) -> int:
        """Batches in the whole run."""
        return self.molecules // self.batch_size

    @property
    def plateau_end(self) -> int:
        """First step at which the learning rate falls."""
        return round(self.steps * (1 - self.fall))

    def rate(self, step: int) -> float:
        """Share of the learning rate at a step."""
        falling = (self.steps - step) / max(self.steps - self.plateau_end, 1)
        return min((step + 1) / max(self.warmup, 1), falling, 1.0)


def fit_decoder(
    network: DecoderConfig,
    config: FitDecoderConfig,
    training: TrainingSet,
    seed: int,
    run: Path,
) -> Decoder:
    """Train, or go on where `run` stopped, and return the network."""
    state = _State(network, config, training, seed, run)
    learned, held_out = split(len(training.pieces), seed)
    if len(learned) < config.batch_size:
        raise ToolError("There are fewer molecules to learn from than one batch holds.")
    watched = held_out[:_WATCHED]
    lengths = training.lengths
    progress = tqdm(total=config.steps, initial=state.step, desc="decoder", unit="batch")
    total, count = 0.0, 0
    epoch, batches = -1, []
    while state.step < config.steps:
        now, place = divmod(state.step, len(learned) // config.batch_size)
        if now != epoch:
            epoch = now
            batches = _batches(learned, lengths, config.batch_size, seed * 1000 + epoch)
        # Seeded by step, so that a resumed run adds the noise an unbroken one would have added.
        chance = torch.Generator().manual_seed(seed * 1_000_000 + state.step)
        rows = batches[place]
        molecules, codes = _tensor(training.pieces[rows]), _codes(training.codes[rows])
        total += state.learn(molecules, codes, chance)
        count += 1
        progress.update()
        if state.step == config.plateau_end:
            state.save("plateau.pt")
        if state.step % config.checkpoint_every == 0 or state.step == config.steps:
            record: dict[str, float] = {
                "step": state.step,
                "molecules": state.step * config.batch_size,
            }
            record |= {"loss": round(total / count, 4)} | measure(state.network, training, watched)
            with (run / "decoder.jsonl").open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(record) + "\n")
            progress.set_postfix(record)
            state.save("decoder.pt")
            total, count = 0.0, 0
    progress.close()
    return state.network.eval()


def split(count: int, seed: int) -> tuple[Rows, Rows]:
    """Return the rows to learn from, shuffled, and those held out."""
    shuffled = np.random.default_rng(seed).permutation(count)
    held_out = min(_HELD_OUT, count // 10)
    return shuffled[:-held_out], np.sort(shuffled[-held_out:])


@torch.inference_mode()
def measure(network: Decoder, training: TrainingSet, rows: Rows) -> dict[str, float]:
    """Return what the network makes of molecules it did not learn from, at four sizes of noise.

    `nats_...` is the cross-entropy per molecule; `rebuilt` is the share of molecules that come back
    piece by piece from their exact code.
    """
    network.eval()
    pieces = training.pieces[rows]
    molecules, codes = _tensor(pieces), _codes(training.codes[rows])
    per_molecule = np.count_nonzero(pieces, axis=1).mean() + 1  # END is 0, and written once
    result = {}
    for share in (0.0, 1 / 3, 2 / 3, 1.0):
        noise = torch.full((len(codes), 1), share * network.config.most_noise)
        points = blur(codes, noise, torch.Generator().manual_seed(0))
        nats = network.loss(points, noise, molecules).item() * per_molecule
        result[f"nats_{noise[0].item():.1f}"] = round(nats, 3)
    grammar = Grammar(training.vocabulary.pieces)
    again = network.decode(codes, torch.zeros(len(codes), 1), molecules.shape[1], grammar)
    result["rebuilt"] = round((again == molecules).all(1).float().mean().item(), 4)
    network.train()
    return result


class _State:
    """Network, optimiser and their place in the run."""

    def __init__(
        self,
        network: DecoderConfig,
        config: FitDecoderConfig,
        training: TrainingSet,
        seed: int,
        run: Path,
    ) -> None:
        torch.manual_seed(seed)
        self.config, self.run = config, run
        # What a run must share with the one it continues: all but its length.
        same = config.model_dump(exclude={"molecules", "checkpoint_every", "fall"})
        self.identity = json.dumps([network.model_dump(), same, seed], sort_keys=True)
        self.step = 0
        pieces = len(training.vocabulary)
        if config.half_precision:
            from consilium.tools.molecules import recurrence  # compiles

            self.network = Decoder(network, pieces, recurrence.run).train()
        else:
            self.network = Decoder(network, pieces).train()
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
            fused=True,
        )
        for name in ("decoder.pt", "plateau.pt"):
            if (run / name).exists() and self._load(run / name):
                break

    def learn(self, molecules: Tensor, codes: Tensor, chance: torch.Generator) -> float:
        """Take one step and return its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self.config.rate(self.step)
        network = self.network
        size = torch.rand(len(molecules), 1, generator=chance) * network.config.most_noise
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.half_precision):
            loss = network.loss(blur(codes, size, chance), size, molecules)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), self.config.clip)
        self.optimizer.step()
        self.step += 1
        return loss.item()

    def save(self, name: str) -> None:
        """Write everything that resuming needs; the file appears whole or not at all."""
        state = {
            "identity": self.identity,
            "steps": self.config.steps,
            "step": self.step,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        partial = self.run / f"{name}.part"
        torch.save(state, partial)
        partial.replace(self.run / name)

    def _load(self, path: Path) -> bool:
        """Take a state up, unless its learning rate had fallen in a run of another length."""
        state: dict[str, Any] = torch.load(path, weights_only=True)
        if state["identity"] != self.identity:
            raise ToolError(
                "The run folder holds another configuration's run: choose a new folder."
            )
        same_length = state["steps"] == self.config.steps
        if not same_length and path.name == "decoder.pt" and (self.run / "plateau.pt").exists():
            return False
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        return True


def _batches(rows: Rows, lengths: Rows, size: int, seed: int) -> list[Rows]:
    """Shuffle into batches of like lengths."""
    rng = np.random.default_rng(seed)
    order = rows[rng.permutation(len(rows))]
    found = []
    for start in range(0, len(order), _POOL * size):
        pool = order[start : start + _POOL * size]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        cut = [pool[i : i + size] for i in range(0, len(pool) - size + 1, size)]
        found += [cut[i] for i in rng.permutation(len(cut))]
    return found


def _tensor(pieces: Pieces) -> Tensor:
    longest = int(np.count_nonzero(pieces, axis=1).max())  # END is 0
    return torch.from_numpy(pieces[:, :longest].astype(np.int64))


def _codes(codes: NDArray[np.float16]) -> Tensor:
    return torch.from_numpy(codes.astype(np.float32))
