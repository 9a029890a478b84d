"""The training loops: first the population, by likelihood, then the GRU on what the filter gets wrong.

Both need only the growth from one visit to the next: given the history, treatment on a day does not depend on
what that day's growth will be, so confounding has nothing to bias. Seeded, resumable after each round; the
round with the best validation loss is kept.

Covers fitting only. What turns a fitted network into a shipped one (figures, card) is in `train`.
"""

import copy
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import Parameter
from tqdm import tqdm

from consilium.tools.contract import ToolError
from consilium.tools.treatment.network import (
    UNKNOWN_KIND,
    Ends,
    Histories,
    NetworkConfig,
    TreatmentNet,
)
from consilium.tools.treatment.simulator import CELL_DENSITY, DEATH_VOLUME, Courses

_Part = TypeVar("_Part", Histories, Ends)

_BATCH = 1000  # patients filtered at once
_CELLS_LEFT = 1000  # with fewer, chance decides on recovery: it tells nothing of the growth


class StageConfig(BaseModel):
    """One stage of the training: rounds of steps, a validation after each round."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rounds: int
    steps: int
    batch_size: int
    learning_rate: float


class FitConfig(BaseModel):
    """One fit; see the comments in `configs/shipped.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    network: NetworkConfig
    population: StageConfig
    gru: StageConfig
    hide_kind: float = Field(ge=0, le=1)


def fit(config: FitConfig, train: Courses, val: Courses, run: Path) -> TreatmentNet:
    """Train, or go on where `run` stopped, and return the best network.

    Parameters
    ----------
    run : folder for `metrics.jsonl` and the state to resume from.
    """
    run.mkdir(parents=True, exist_ok=True)
    state = _State(config, fingerprint(train, val), run)
    if state.stage == 0:
        _run_stage(state, _PopulationStage(train, val), config.population)
    if state.stage == 1 and config.network.hidden:
        _run_stage(
            state,
            _GruStage(state.network, _hidden(train, config), _hidden(val, config)),
            config.gru,
        )
    return state.best.eval()


def fingerprint(*parts: Courses) -> str:
    """SHA-256 of courses."""
    digest = hashlib.sha256()
    for part in parts:
        for values in vars(part).values():
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _hidden(courses: Courses, config: FitConfig) -> Courses:
    """Courses with the type hidden for a share of the patients, chosen by chance."""
    hide = np.random.RandomState(config.seed).rand(len(courses)) < config.hide_kind
    return replace(courses, kind=np.where(hide, UNKNOWN_KIND, courses.kind))


def histories_of(courses: Courses) -> tuple[Histories, Ends]:
    """The measured part of courses, and how they ended: death and recovery are no measured volumes."""
    rows = np.arange(len(courses))
    end = courses.volumes[rows, courses.last]
    dead, gone = end >= DEATH_VOLUME, end == 0
    last = courses.last - (dead | gone)
    before = courses.volumes[rows, last]
    told = gone & (before * CELL_DENSITY > _CELLS_LEFT)
    histories = Histories(
        torch.as_tensor(courses.kind),
        torch.as_tensor(courses.volumes),
        torch.as_tensor(courses.chemo).double(),
        torch.as_tensor(courses.radio).double(),
        torch.as_tensor(last),
    )
    bound = np.where(dead, DEATH_VOLUME / before - 1, -1.0)
    return histories, Ends(torch.as_tensor(dead * 1.0 - told), torch.as_tensor(bound))


class _Stage(Protocol):
    """What one stage optimises."""

    name: str
    size: int  # patients to train on

    def parameters(self, network: TreatmentNet) -> list[Parameter]:
        """What is fitted."""

    def loss(self, network: TreatmentNet, rows: Tensor) -> Tensor:
        """Loss on these training patients."""

    def val_loss(self, network: TreatmentNet) -> Tensor:
        """Loss on all validation patients."""


class _PopulationStage:
    """Negative log likelihood of whole courses."""

    name = "population"

    def __init__(self, train: Courses, val: Courses) -> None:
        self._train, self._val = histories_of(train), histories_of(val)
        self.size = len(train)

    def parameters(self, network: TreatmentNet) -> list[Parameter]:
        return list(network.population.parameters())

    def loss(self, network: TreatmentNet, rows: Tensor) -> Tensor:
        histories, ends = self._train
        evidence = network.population.log_evidence(_rows(histories, rows), _rows(ends, rows))
        return -evidence.mean()

    def val_loss(self, network: TreatmentNet) -> Tensor:
        return -network.population.log_evidence(*self._val).mean()


class _Believed:
    """Courses with what the fitted filter, which no longer changes, believes after each visit."""

    def __init__(self, network: TreatmentNet, courses: Courses) -> None:
        self.histories, _ = histories_of(courses)
        beliefs = []
        with torch.no_grad():
            for rows in torch.split(torch.arange(len(courses)), _BATCH):
                part = _rows(self.histories, rows)
                belief = network.population(part)
                _, variance = network.growth(part, belief)
                beliefs.append((belief.mean, belief.sd, variance))
        self.mean, self.sd, self.variance = (torch.cat(part) for part in zip(*beliefs, strict=True))

    def loss(self, network: TreatmentNet, rows: Tensor) -> Tensor:
        """Squared error of the expected growth, in the filter's own standard deviations."""
        histories = _rows(self.histories, rows)
        mean = self.mean[rows]
        moved = network.move(histories, mean, self.sd[rows])
        design, growth, seen = network.population.observed(histories)
        error = growth - (design * (mean + moved)[:, :-1]).sum(-1)
        loss: Tensor = (error.square() / self.variance[rows])[seen].mean()
        return loss


class _GruStage:
    """What the GRU's correction of the filter is worth."""

    name = "gru"

    def __init__(self, network: TreatmentNet, train: Courses, val: Courses) -> None:
        self._train, self._val = _Believed(network, train), _Believed(network, val)
        self._all = torch.arange(len(val))
        self.size = len(train)

    def parameters(self, network: TreatmentNet) -> list[Parameter]:
        fixed = {id(parameter) for parameter in network.population.parameters()}
        return [p for p in network.parameters() if id(p) not in fixed]

    def loss(self, network: TreatmentNet, rows: Tensor) -> Tensor:
        return self._train.loss(network, rows)

    def val_loss(self, network: TreatmentNet) -> Tensor:
        return self._val.loss(network, self._all)


class _State:
    """Networks, optimiser and their place in the run."""

    def __init__(self, config: FitConfig, data: str, run: Path) -> None:
        torch.manual_seed(config.seed)
        self.config, self.data, self.run = config, data, run
        self.stage, self.round = 0, 0
        self.network = TreatmentNet(config.network)
        self.best: TreatmentNet = copy.deepcopy(self.network)
        self.best_loss = float("inf")
        self.optimiser_state: dict[str, Any] = {}
        if (run / "state.pt").exists():
            self._load()

    def judge(self, loss: float) -> None:
        """Keep the network if it is the best of its stage so far."""
        if loss < self.best_loss:
            self.best_loss = loss
            self.best.load_state_dict(self.network.state_dict())

    def next_stage(self) -> None:
        """Go on from the best network of the stage that is done."""
        self.network.load_state_dict(self.best.state_dict())
        self.stage, self.round = self.stage + 1, 0
        self.best_loss = float("inf")
        self.optimiser_state = {}

    def save(self) -> None:
        """Write everything that resuming needs; the file appears whole or not at all."""
        partial = self.run / "state.pt.part"
        torch.save(
            {
                "config": self.config.model_dump_json(),
                "data": self.data,
                "place": (self.stage, self.round, self.best_loss),
                "network": self.network.state_dict(),
                "best": self.best.state_dict(),
                "optimiser": self.optimiser_state,
            },
            partial,
        )
        partial.replace(self.run / "state.pt")

    def _load(self) -> None:
        state: dict[str, Any] = torch.load(self.run / "state.pt", weights_only=True)
        if state["config"] != self.config.model_dump_json():
            raise ToolError("The run folder holds another configuration's run: choose a new one.")
        if state.get("data") != self.data:
            raise ToolError("The run folder holds a run on other data: choose a new one.")
        self.stage, self.round, self.best_loss = state["place"]
        self.network.load_state_dict(state["network"])
        self.best.load_state_dict(state["best"])
        self.optimiser_state = state["optimiser"]


def _run_stage(state: _State, stage: _Stage, plan: StageConfig) -> None:
    optimiser = torch.optim.Adam(stage.parameters(state.network), plan.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, plan.learning_rate, plan.rounds * plan.steps
    )
    if state.optimiser_state:
        optimiser.load_state_dict(state.optimiser_state["optimiser"])
        schedule.load_state_dict(state.optimiser_state["schedule"])
    else:
        with torch.no_grad():
            state.judge(stage.val_loss(state.network).item())
    rounds = range(state.round, plan.rounds)
    for done in tqdm(
        rounds,
        desc=stage.name,
        unit="round",
        initial=state.round,
        total=plan.rounds,
        disable=None,  # only a terminal gets a bar
    ):
        # Seeded by round, so that a resumed run sees what an unbroken one would have seen.
        generator = torch.Generator().manual_seed(state.config.seed * 1000 + done)
        total = 0.0
        for _ in range(plan.steps):
            rows = torch.randint(stage.size, (plan.batch_size,), generator=generator)
            loss = stage.loss(state.network, rows)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
            total += loss.item()
        with torch.no_grad():
            val_loss = stage.val_loss(state.network).item()
        state.judge(val_loss)
        record = {
            "stage": stage.name,
            "round": done + 1,
            "loss": total / plan.steps,
            "val": val_loss,
        }
        with (state.run / "metrics.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(record) + "\n")
        state.round = done + 1
        state.optimiser_state = {
            "optimiser": optimiser.state_dict(),
            "schedule": schedule.state_dict(),
        }
        state.save()
    state.next_stage()
    state.save()


def _rows(part: _Part, rows: Tensor) -> _Part:
    return type(part)(*(values[rows] for values in part))
