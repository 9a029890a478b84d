"""The loop of transformers with our batches, our loss over all processes, and calls measured on the way."""

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm
from transformers import (
    EvalPrediction,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from consilium.finetune.examples import IGNORED, BatchesOfLikeLength


class ChatTrainer(Trainer):
    """A trainer for a model of `prefixed.learn_after`."""

    def _get_train_sampler(self, train_dataset: Any = None) -> BatchesOfLikeLength:
        lengths = [row["length"] for row in self.train_dataset]  # type: ignore[union-attr]
        together = self.args.per_device_train_batch_size * self.args.world_size
        return BatchesOfLikeLength(lengths, together, self.args.seed)

    def tokens_learned(self) -> int:
        """Tokens of the conversations that the steps so far were made on, those before a stop included."""
        together: int = self.args.per_device_train_batch_size * self.args.world_size
        lengths: list[int] = [row["length"] for row in self.train_dataset]  # type: ignore[union-attr]
        epochs, steps = divmod(self.state.global_step, ceil(len(lengths) / together))
        order = self._get_train_sampler()  # the same in every epoch
        return epochs * sum(lengths) + sum(lengths[i] for i in islice(order, steps * together))

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Mean over the tokens of all processes, nats, so that several give the loss and gradient of one."""
        out = model(**inputs)
        loss = out["loss"]
        if self.args.world_size > 1:  # gradients are averaged, so each is weighed by its share
            loss = loss * out["weight"] / _mean_of_processes(out["weight"])
            loss = loss + _mean_of_processes(loss) - loss.detach()
        return (loss, out) if return_outputs else loss

    def prediction_step(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[Any, Any, Any]:
        """Loss; for each row whether all was right, and whether the first token of every reply was."""
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad():
            out = model(**inputs)
        labels, right = inputs["labels"], out["right"]
        first = (labels[:, 1:] != IGNORED) & (labels[:, :-1] == IGNORED)
        whole = right.all(dim=1)
        decided = (right | ~first).all(dim=1)
        return out["loss"], torch.stack([whole, decided], dim=1), whole


def _mean_of_processes(value: torch.Tensor) -> torch.Tensor:
    total = value.detach().clone()
    torch.distributed.all_reduce(total)
    return total / torch.distributed.get_world_size()


def shares(outcome: EvalPrediction) -> dict[str, float]:
    """Share of held-out conversations in which greedy decoding says each reply exactly, and decides rightly."""
    whole, decided = outcome.predictions.mean(axis=0)  # type: ignore[union-attr]
    return {"exact": float(whole), "decided": float(decided)}


@dataclass
class Clock(TrainerCallback):
    """Counts the hours and stops after some, or on Ctrl-C, with a checkpoint; the run can be resumed.

    A second Ctrl-C stops at once. Where one of several processes is to stop, all do, at the same step.
    """

    hours: float
    interrupted: bool = False
    _started: float = 0.0
    _before: float = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, *_: Any, **__: Any
    ) -> None:
        """Start the clock where the resumed run stopped it."""
        self._started, self._before = time.monotonic(), hours_in(state)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Ask for a checkpoint and a stop when the time is over; each checkpoint tells the hours."""
        over = time.monotonic() - self._started > self.hours * 3600
        over, self.interrupted = _anywhere([over, self.interrupted], args)
        if over or self.interrupted:
            control.should_save = control.should_training_stop = True
        if control.should_save:
            self._note(state)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, *_: Any, **__: Any
    ) -> None:
        """Tell the hours of the whole run."""
        self._note(state)

    def _note(self, state: TrainerState) -> None:
        hours = self._before + (time.monotonic() - self._started) / 3600
        state.log_history.append({"step": state.global_step, "hours": hours})

    @contextmanager
    def heeding_ctrl_c(self) -> Iterator[None]:
        """Let the first Ctrl-C stop the training after its step; in a background job, which ignores it, none does."""
        usual = signal.getsignal(signal.SIGINT)
        main = threading.current_thread() is threading.main_thread()  # no other gets signals
        if usual is signal.SIG_IGN or not main:
            yield
            return

        def heed(*_: Any) -> None:
            self.interrupted = True
            tqdm.write("Stopping after this step; Ctrl-C once more stops at once.", file=sys.stderr)
            signal.signal(signal.SIGINT, usual)

        signal.signal(signal.SIGINT, heed)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)


def hours_in(state: TrainerState) -> float:
    """Hours of training that a run has had, as its log says."""
    return next((float(row["hours"]) for row in state.log_history[::-1] if "hours" in row), 0.0)


def _anywhere(wanted: list[bool], args: TrainingArguments) -> list[bool]:
    """Of each wish, whether any process has it."""
    if args.world_size == 1:
        return wanted
    votes = torch.tensor(wanted, dtype=torch.float, device=args.device)
    torch.distributed.all_reduce(votes)
    return [vote > 0 for vote in votes.tolist()]


class Journal(TrainerCallback):
    """Every logged metric as a line of metrics.jsonl, and as a curve for TensorBoard."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._curves: Any = None

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: Any,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Write `logs`; the first process alone does."""
        if not state.is_world_process_zero or not logs:
            return
        with (self._out / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": state.global_step, **logs}) + "\n")
        if self._curves is None:
            from tensorboardX import SummaryWriter

            self._curves = SummaryWriter(str(self._out / "curves"))
        for name, value in logs.items():
            self._curves.add_scalar(name.replace("eval_", "held-out/"), value, state.global_step)
        self._curves.flush()
