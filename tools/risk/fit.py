"""The training loop: seeded, resumable after each epoch.

Every member is fitted to its own bootstrap sample of the people, all members at once; the people that a member never
saw measure it. The likelihood of some hundred deaths is joined by what is published: each member's log relative
hazard is pulled towards a straight line in PREVENT's log-odds, a line of its own finding.
"""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from consilium.tools.contract import ToolError
from consilium.tools.risk import prevent
from consilium.tools.risk.data import Cohort
from consilium.tools.risk.features import FEATURES, YES_NO, people_of
from consilium.tools.risk.network import YEARS, SurvivalEnsemble, loss
from consilium.tools.risk.person import Numbers
from consilium.tools.risk.recipe import FitConfig, bootstrap

_EDGES = (
    0.001,
    0.999,
)  # quantiles of the people learned from beyond which an input counts as there
_LOSS_SCALE = 10  # keeps Adam's steps away from its epsilon


def fit(config: FitConfig, cohort: Cohort, run: Path) -> SurvivalEnsemble:
    """Train on a cohort without gaps, or go on where `run` stopped.

    What is kept is the epoch with the lowest loss over the people whom each member did not see.

    Parameters
    ----------
    run : folder for `metrics.jsonl` and the state to resume from.
    """
    run.mkdir(parents=True, exist_ok=True)
    data = _Tensors(config, cohort)
    state = _State(config, data, run)
    epochs = range(state.epoch, config.epochs)
    bar = tqdm(epochs, initial=state.epoch, total=config.epochs, desc="training", unit="epoch")
    for epoch in bar:
        learned = _epoch(state, data, epoch)
        held_out = _unseen_loss(state.network, data)
        if held_out < state.best_loss:
            state.best_loss = held_out
            state.best = {n: v.clone() for n, v in state.network.state_dict().items()}
        record = {"epoch": epoch + 1, "loss": round(learned, 6), "unseen_loss": round(held_out, 6)}
        with (run / "metrics.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(record) + "\n")
        state.save(epoch + 1)
        bar.set_postfix(unseen=f"{held_out:.5f}")
    state.network.load_state_dict(state.best)
    return state.network.eval()


class _Tensors:
    """A cohort as the network reads it."""

    def __init__(self, config: FitConfig, cohort: Cohort) -> None:
        years, died = cohort.time_at_risk(YEARS)
        self.rows = torch.as_tensor(cohort.rows).float()
        self.years = torch.as_tensor(years).float()
        self.died = torch.as_tensor(died).float()
        counts = bootstrap(config.seed, cohort.persons, config.network.members)
        self.counts = torch.as_tensor(counts).float()
        risk = prevent.risk(people_of(cohort.rows), extrapolate=True)
        published = np.log(risk / (1 - risk))
        told = (cohort.rows, cohort.persons, years, died)
        self.sha256 = hashlib.sha256(b"".join(part.tobytes() for part in told)).hexdigest()
        self.published = torch.as_tensor((published - published.mean()) / published.std()).float()


class _State:
    """Network, optimiser, schedule, their place in the run and the best so far."""

    def __init__(self, config: FitConfig, data: _Tensors, run: Path) -> None:
        torch.manual_seed(config.seed)
        self.config, self.data, self.run = config, data.sha256, run
        self.epoch = 0
        self.best_loss = math.inf
        self.network = SurvivalEnsemble(config.network)
        _scale(self.network, data.rows.double().numpy())
        self.best: dict[str, Tensor] = self.network.state_dict()
        # Intercept and slope of each member's line in PREVENT's log-odds.
        self.line = torch.nn.Parameter(torch.tensor([[0.0, 1.0]] * config.network.members))
        self.optimizer = torch.optim.Adam(
            [*self.network.parameters(), self.line], config.learning_rate
        )
        steps = config.epochs * math.ceil(len(data.rows) / config.batch_size)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, config.learning_rate, steps
        )
        if (run / "state.pt").exists():
            self._load()

    def save(self, epoch: int) -> None:
        """Write everything that resuming needs; the file appears whole or not at all."""
        state = {
            "config": self.config.model_dump_json(),
            "data": self.data,
            "epoch": epoch,
            "best_loss": self.best_loss,
            "best": self.best,
            "network": self.network.state_dict(),
            "line": self.line.detach(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        partial = self.run / "state.pt.part"
        torch.save(state, partial)
        partial.replace(self.run / "state.pt")

    def _load(self) -> None:
        state: dict[str, Any] = torch.load(self.run / "state.pt", weights_only=True)
        if state["config"] != self.config.model_dump_json():
            raise ToolError(
                "The run folder holds another configuration's run: choose a new folder."
            )
        if state.get("data") != self.data:
            raise ToolError("The run folder holds a run on other data: choose a new folder.")
        self.epoch, self.best_loss, self.best = state["epoch"], state["best_loss"], state["best"]
        self.line.data.copy_(state["line"])
        for name in ("network", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(state[name])


def _scale(network: SurvivalEnsemble, rows: Numbers) -> None:
    """Fix the inputs' scale and edges by the people learned from."""
    low, high = np.quantile(rows, _EDGES, axis=0)
    values = {"center": rows.mean(axis=0), "scale": rows.std(axis=0), "low": low, "high": high}
    for i, name in enumerate(FEATURES):
        if name in YES_NO:
            values["scale"][i], low[i], high[i] = 1, 0, 1
    for name, value in values.items():
        getattr(network, name).copy_(torch.as_tensor(value))


def _epoch(state: _State, data: _Tensors, epoch: int) -> float:
    config = state.config
    # Seeded by epoch, so that a resumed run sees what an unbroken one would have seen.
    generator = torch.Generator().manual_seed(config.seed * 1000 + epoch)
    batches = torch.split(torch.randperm(len(data.rows), generator=generator), config.batch_size)
    total = 0.0
    for chosen in batches:
        relative = state.network(data.rows[chosen])
        losses = loss(state.network, relative, data.years[chosen], data.died[chosen])
        likelihood = (data.counts[:, chosen] * losses).mean(1).sum()
        line = state.line[:, :1] + state.line[:, 1:] * data.published[chosen]
        pull = config.pull * (relative - line).square().mean(1).sum()
        out, inputs = state.network.penalty()
        ridge = (config.ridge_out * out + config.ridge_in * inputs) / len(data.rows)
        state.optimizer.zero_grad()
        torch.autograd.backward(_LOSS_SCALE * (likelihood + pull + ridge))
        state.optimizer.step()
        state.schedule.step()
        total += likelihood.item() / config.network.members
    return total / len(batches)


@torch.inference_mode()
def _unseen_loss(network: SurvivalEnsemble, data: _Tensors) -> float:
    losses = loss(network, network(data.rows), data.years, data.died)
    return float(losses[data.counts == 0].mean())
