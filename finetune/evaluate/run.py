"""`consilium eval tools`: opens the model, plays the cases, grades, writes predictions and report."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from consilium.assistant.domain import ConsiliumError, ModelInfo, Turn, TurnStatus
from consilium.assistant.llm.backend import Backend, load_backend
from consilium.assistant.settings import Settings
from consilium.finetune.evaluate.baselines import load_free
from consilium.finetune.evaluate.cases import (
    Case,
    PredictedCall,
    PredictedTurn,
    Prediction,
    given,
    predict,
    read_cases,
)
from consilium.finetune.evaluate.report import as_text, file_sha256, make_report
from consilium.finetune.evaluate.robustness import (
    Variant,
    robustness_report,
    robustness_text,
    variants,
)
from consilium.tools.contract import ToolSpec
from consilium.tools.registry import TOOLS

Load = Callable[[Settings, Sequence[ToolSpec]], Backend]


class Player(Protocol):
    """Plays messages through real turns of the assistant."""

    @property
    def model(self) -> ModelInfo:
        """The language model that plays."""
        ...

    def play(self, messages: Sequence[str], attachments: int) -> Sequence[Turn]:
        """The turns of one conversation."""
        ...


OpenPlayer = Callable[[Sequence[ToolSpec], Load], AbstractContextManager[Player]]


@dataclass(frozen=True)
class Evaluation:
    """What to measure.

    Parameters
    ----------
    cases : JSONL of cases.
    predictions : where to write and resume them; a file that holds all cases and was not made here is graded as is.
    unconstrained : decode decision and calls of the local model without the grammar.
    without_tools : give the model no tools at all.
    film : stands for every attachment; None is the sample film.
    """

    cases: Path
    predictions: Path | None = None
    unconstrained: bool = False
    without_tools: bool = False
    film: Path | None = None

    @property
    def specs(self) -> list[ToolSpec]:
        """The tools that the model is given."""
        return [] if self.without_tools else list(TOOLS.values())

    @property
    def load(self) -> Load:
        """How the model is loaded."""
        return load_free if self.unconstrained else load_backend

    def described(self, model: ModelInfo) -> dict[str, Any]:
        """The model and the way it was run, as report and predictions name it."""
        local = "free" if self.unconstrained else "grammar"
        described = {
            **model.model_dump(),
            "decoding": "server" if _remote(model) else local,
            "tools": [spec.name for spec in self.specs],
        }
        return described | ({"film_sha256": file_sha256(self.film)} if self.film else {})


def _remote(model: ModelInfo) -> bool:
    """Whether a server decodes, as it likes."""
    return "://" in model.device


def evaluate(asked: Evaluation, open_player: OpenPlayer) -> tuple[dict[str, Any], str]:
    """Report of one run and its text.

    Raises
    ------
    ConsiliumError
        If a file is malformed (named with its line), or the model cannot be loaded or reached.
    """
    cases = read_cases(asked.cases)
    ready = given(asked.predictions, {case.id: len(case.turns) for case in cases})
    if ready is not None and asked.predictions:
        source = {"name": asked.predictions.name, "sha256": file_sha256(asked.predictions)}
        report = make_report(cases, ready, source)
    else:
        with open_player(asked.specs, asked.load) as player:
            model = asked.described(player.model)
            predicted = predict(cases, _player(player), asked.predictions, made_by=model)
        report = make_report(cases, predicted, model)
    report["cases_sha256"] = file_sha256(asked.cases)
    return report, as_text(report)


def evaluate_robustness(asked: Evaluation, open_player: OpenPlayer) -> tuple[dict[str, Any], str]:
    """Report of the same cases under five conditions and its text; predictions go to one file a condition.

    Raises
    ------
    ConsiliumError
        As `evaluate`.
    """
    runs: dict[str, tuple[Sequence[Case], Sequence[Prediction]]] = {}
    models: dict[str, Any] = {}
    for variant in variants(read_cases(asked.cases), asked.specs):
        models[variant.name], predicted = _run(asked, variant, open_player)
        runs[variant.name] = (variant.cases, predicted)
    report = robustness_report(runs, models["plain"])
    report["prompts"] = {name: model["prompt_sha256"] for name, model in models.items()}
    report["cases_sha256"] = file_sha256(asked.cases)
    return report, robustness_text(report)


def _run(
    asked: Evaluation, variant: Variant, open_player: OpenPlayer
) -> tuple[dict[str, Any], list[Prediction]]:
    file = asked.predictions
    path = file.with_name(f"{file.stem}.{variant.name}{file.suffix}") if file else None
    with open_player(variant.specs, asked.load) as player:
        model = {**asked.described(player.model), "variant": variant.name}
        return model, predict(variant.cases, _player(player), path, made_by=model)


def _player(player: Player) -> Callable[[Case], Prediction]:
    """Plays a case; the turn that failed and those after it are left out, and graded as wrong.

    Where a server failed, the run ends instead: the model is not to blame, and the run can be resumed.
    """
    remote = _remote(player.model)

    def play(case: Case) -> Prediction:
        played: list[PredictedTurn] = []
        for turn in player.play([turn.user for turn in case.turns], len(case.attachments)):
            if turn.status is TurnStatus.FAILED:
                if remote:
                    raise ConsiliumError(f"Case {case.id}: {turn.error}")
                break
            calls = [PredictedCall(name=c.name, arguments=c.arguments) for c in turn.calls]
            played.append(PredictedTurn(calls=calls, reply=turn.answer))
        return Prediction(id=case.id, turns=played)

    return play


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write a report as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
