"""The training loop: seeded, resumable after each epoch.

What is kept is the running average of the weights after the last epoch of a falling learning rate.
Validation is watched, not selected on: with some 70 adult films, the best epoch would be a lucky one.

Covers fitting only. What turns the fitted network into a reader (calibration, card) is in `train`.
"""

import copy
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from consilium.tools.imaging.augment import augment
from consilium.tools.imaging.data import SITES, FilmSet
from consilium.tools.imaging.metrics import auc
from consilium.tools.imaging.network import FilmNet, NetworkConfig
from consilium.tools.imaging.preprocess import to_input

_BATCH = 64


class FitConfig(BaseModel):
    """One training run; see the comments in `configs/first.yaml`."""

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
    repeat_nih: int


def fit(config: FitConfig, train: FilmSet, val: FilmSet, run: Path) -> FilmNet:
    """Train, or go on where `run` stopped, and return the averaged network.

    Parameters
    ----------
    run : folder for `metrics.jsonl` and the state to resume from.
    """
    run.mkdir(parents=True, exist_ok=True)
    state = _State(config, train, run)
    weights = torch.as_tensor(train.class_weights()).float()
    for epoch in range(state.epoch, config.epochs):
        loss = _epoch(state, train, weights, epoch)
        scores = {site: _val_auc(state.average, val, site) for site in SITES}
        record = {"epoch": epoch + 1, "loss": round(loss, 5), "val_auc": scores}
        with (run / "metrics.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(record) + "\n")
        state.save(epoch + 1)
    state.average.eval()
    return state.average


@torch.inference_mode()
def logits(network: FilmNet, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return (n,) uncalibrated log-odds of (n, size, size) prepared films."""
    network.eval()
    parts = np.split(pictures, range(_BATCH, len(pictures), _BATCH))
    return torch.cat([network(to_input(part)) for part in parts]).double().numpy()


class _State:
    """Network, optimiser, schedule and their place in the run."""

    def __init__(self, config: FitConfig, train: FilmSet, run: Path) -> None:
        torch.manual_seed(config.seed)
        self.config, self.run = config, run
        self.epoch = 0
        self.network = FilmNet(config.network)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average: FilmNet = copy.deepcopy(self.network)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        steps = config.epochs * math.ceil(len(_order(config, train, 0)) / config.batch_size)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, config.learning_rate, steps, pct_start=config.warmup
        )
        if (run / "state.pt").exists():
            self._load()

    def save(self, epoch: int) -> None:
        """Write everything that resuming needs; the file appears whole or not at all."""
        state = {
            "config": self.config.model_dump_json(),
            "epoch": epoch,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        partial = self.run / "state.pt.part"
        torch.save(state, partial)
        partial.replace(self.run / "state.pt")

    def _load(self) -> None:
        state: dict[str, Any] = torch.load(self.run / "state.pt", weights_only=True)
        if state["config"] != self.config.model_dump_json():
            raise ValueError(
                "The run folder holds another configuration's run: choose a new folder."
            )
        self.epoch = state["epoch"]
        for name in ("network", "average", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(state[name])


def _epoch(state: _State, train: FilmSet, weights: Tensor, epoch: int) -> float:
    config = state.config
    # Seeded by epoch, so that a resumed run sees what an unbroken one would have seen.
    generator = torch.Generator().manual_seed(config.seed * 1000 + epoch)
    torch.manual_seed(config.seed * 1000 + epoch)  # dropout
    pictures, labels = torch.as_tensor(train.pictures), torch.as_tensor(train.labels).float()
    state.network.train()
    total = 0.0
    order = _order(config, train, epoch)
    starts = range(0, len(order), config.batch_size)
    for start in tqdm(starts, desc=f"epoch {epoch + 1}/{config.epochs}", unit="batch"):
        rows = order[start : start + config.batch_size]
        target = labels[rows] * (1 - config.smoothing) + config.smoothing / 2
        predicted = state.network(to_input(augment(pictures[rows], generator)))
        loss = functional.binary_cross_entropy_with_logits(predicted, target, weights[rows])
        state.optimizer.zero_grad()
        torch.autograd.backward(loss)
        state.optimizer.step()
        state.schedule.step()
        _update_average(state)
        total += loss.item()
    return total / len(starts)


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


def _val_auc(network: FilmNet, val: FilmSet, site: str) -> float:
    part = val.where(lambda film: film.site == site)
    return auc(part.labels, logits(network, part.pictures))
