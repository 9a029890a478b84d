"""The training loop: seeded, resumable after each epoch.

What is kept is the running average of the weights at the epoch that is best on validation: the mean AUC
over the hospitals, on the validation films as they are and on copies changed as another machine or
another hand would change them.

Covers fitting only. What turns fitted networks into a reader (calibration, card) is in `train`.
"""

import copy
import hashlib
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from consilium.tools.home import data_home
from consilium.tools.imaging.augment import augment
from consilium.tools.imaging.data import FilmSet
from consilium.tools.imaging.efficientnet import FROZEN_STAGES, load_imagenet
from consilium.tools.imaging.metrics import auc
from consilium.tools.imaging.network import FilmNet, NetworkConfig
from consilium.tools.imaging.preprocess import to_input

_BATCH = 64
_SHIFT_SEED = 5
_STATE = "state.pt"


class FitConfig(BaseModel):
    """The training of one network; see the comments in `configs/`.

    Parameters
    ----------
    mixup : of the beta distribution by which pairs of films are mixed; 0 is none.
    strength : of the augmentation, see `augment`.
    plain : share of the films that are shown as they are; without any, films as they come look strange.
    imagenet : start from the ImageNet weights that the architecture has.
    autocast : compute in bfloat16 where that loses nothing; far faster on CPUs with AMX, slower on others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    network: NetworkConfig
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup: float
    average: float
    smoothing: float
    repeat_nih: int = 1
    mixup: float = 0.0
    strength: float = 1.0
    plain: float = 0.0
    imagenet: bool = False
    autocast: bool = False


def fit(config: FitConfig, train: FilmSet, val: FilmSet, run: Path) -> FilmNet:
    """Train, or go on where `run` stopped, and return the averaged network of the best epoch.

    Parameters
    ----------
    run : folder for `metrics.jsonl` and the state to resume from.
    """
    run.mkdir(parents=True, exist_ok=True)
    state = _State(config, train, run)
    weights = torch.as_tensor(train.class_weights()).float()
    shifted = shift(val.pictures, config.strength)
    for epoch in range(state.epoch, config.epochs):
        began = time.monotonic()
        loss = _epoch(state, train, weights, epoch)
        scores = {
            "val": _aucs(state.average, val, val.pictures, config.autocast),
            "val_shifted": _aucs(state.average, val, shifted, config.autocast),
        }
        score = float(np.mean([value for part in scores.values() for value in part.values()]))
        if score > state.best_score:
            state.best_score, state.best_epoch = score, epoch + 1
            state.best = copy.deepcopy(state.average.state_dict())
        record = {"epoch": epoch + 1, "loss": round(loss, 5), "score": round(score, 5), **scores}
        record |= {"best_epoch": state.best_epoch, "seconds": round(time.monotonic() - began, 1)}
        with (run / "metrics.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(record) + "\n")
        state.save(epoch + 1)
    state.average.load_state_dict(state.best)
    return state.average.eval()


def shift(pictures: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
    """Copies of (n, size, size) prepared films as another machine might have made them; always the same."""
    generator = torch.Generator().manual_seed(_SHIFT_SEED)
    parts = np.split(pictures, range(_BATCH, len(pictures), _BATCH))
    changed = torch.cat([augment(torch.as_tensor(part), generator, strength) for part in parts])
    return changed.round().byte().numpy()


@torch.inference_mode()
def logits(
    network: FilmNet, pictures: NDArray[np.uint8], autocast: bool = False
) -> NDArray[np.float64]:
    """Return (n,) uncalibrated log-odds of (n, size, size) prepared films."""
    network.eval()
    parts = np.split(pictures, range(_BATCH, len(pictures), _BATCH))
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        return torch.cat([network(to_input(part)).float() for part in parts]).double().numpy()


class _State:
    """Network, optimiser, schedule and their place in the run."""

    def __init__(self, config: FitConfig, train: FilmSet, run: Path) -> None:
        torch.manual_seed(config.seed)
        self.config, self.run = config, run
        self.data = hashlib.sha256(train.pictures.tobytes() + train.labels.tobytes()).hexdigest()
        self.epoch, self.best_epoch, self.best_score = 0, 0, -1.0
        self.network = FilmNet(config.network)
        if config.imagenet:
            load_imagenet(self.network.stem, self.network.stages, data_home() / "imagenet")
            self.network.frozen = FROZEN_STAGES
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average: FilmNet = copy.deepcopy(self.network)
        self.best = self.average.state_dict()
        learned = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(
            learned, config.learning_rate, weight_decay=config.weight_decay
        )
        steps = config.epochs * math.ceil(len(_order(config, train, 0)) / config.batch_size)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, config.learning_rate, steps, pct_start=config.warmup
        )
        if (run / _STATE).exists():
            self._load()

    def save(self, epoch: int) -> None:
        """Write everything that resuming needs; the file appears whole or not at all."""
        state = {
            "config": self.config.model_dump_json(),
            "data": self.data,
            "epoch": epoch,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "best_score": self.best_score,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        partial = self.run / f"{_STATE}.part"
        torch.save(state, partial)
        partial.replace(self.run / _STATE)

    def _load(self) -> None:
        state: dict[str, Any] = torch.load(self.run / _STATE, weights_only=True)
        if state["config"] != self.config.model_dump_json():
            raise ValueError(
                "The run folder holds another configuration's run: choose a new folder."
            )
        if state.get("data") != self.data:
            raise ValueError("The run folder holds a run on other data: choose a new folder.")
        self.epoch, self.best = state["epoch"], state["best"]
        self.best_epoch, self.best_score = state["best_epoch"], state["best_score"]
        for name in ("network", "average", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(state[name])


def _epoch(state: _State, train: FilmSet, weights: Tensor, epoch: int) -> float:
    config = state.config
    # Seeded by epoch, so that a resumed run sees what an unbroken one would have seen.
    generator = torch.Generator().manual_seed(config.seed * 1000 + epoch)
    torch.manual_seed(config.seed * 1000 + epoch)  # dropout
    mixing = np.random.default_rng(config.seed * 1000 + epoch)
    pictures, labels = torch.as_tensor(train.pictures), torch.as_tensor(train.labels).float()
    targets = labels * (1 - config.smoothing) + config.smoothing / 2
    state.network.train()
    total = 0.0
    order = _order(config, train, epoch)
    starts = range(0, len(order), config.batch_size)
    for start in tqdm(starts, desc=f"epoch {epoch + 1}/{config.epochs}", unit="batch"):
        rows = order[start : start + config.batch_size]
        # Each film is mixed with its neighbour in the shuffled batch (Zhang et al., ICLR 2018).
        share = float(mixing.beta(config.mixup, config.mixup)) if config.mixup else 1.0
        films = augment(pictures[rows], generator, config.strength)
        if config.plain:
            kept = torch.rand(len(rows), 1, 1, generator=generator) < config.plain
            films = torch.where(kept, pictures[rows], films)
        films = share * films + (1 - share) * films.roll(1, 0)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.autocast):
            predicted = state.network(to_input(films)).float()
        loss = share * _loss(predicted, targets[rows], weights[rows])
        if share < 1:
            other = rows.roll(1, 0)
            loss = loss + (1 - share) * _loss(predicted, targets[other], weights[other])
        state.optimizer.zero_grad()
        torch.autograd.backward(loss)
        state.optimizer.step()
        state.schedule.step()
        _update_average(state)
        total += loss.item()
    return total / len(starts)


def _loss(predicted: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(predicted, target, weight)


@torch.no_grad()
def _update_average(state: _State) -> None:
    """Move the running average towards the weights; faster at first, to forget the start."""
    step = state.schedule.last_epoch
    decay = min(state.config.average, (1 + step) / (10 + step))
    pairs = zip(
        state.average.state_dict().values(), state.network.state_dict().values(), strict=True
    )
    for average, current in pairs:
        if average.is_floating_point():
            average.lerp_(current, 1 - decay)
        else:
            average.copy_(current)


def _order(config: FitConfig, train: FilmSet, epoch: int) -> Tensor:
    times = torch.tensor([config.repeat_nih if f.site == "nih" else 1 for f in train.films])
    rows = torch.arange(len(train)).repeat_interleave(times)
    generator = torch.Generator().manual_seed(config.seed * 2000 + epoch)
    return rows[torch.randperm(len(rows), generator=generator)]


def _aucs(
    network: FilmNet, val: FilmSet, pictures: NDArray[np.uint8], autocast: bool
) -> dict[str, float]:
    scores, sites = logits(network, pictures, autocast), np.asarray(val.sites)
    return {
        site: round(auc(val.labels[sites == site], scores[sites == site]), 5)
        for site in sorted(set(val.sites))
    }
