"""Evaluation cases and predictions, one JSON object a line."""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from tqdm import tqdm

from consilium.assistant.domain import ConsiliumError
from consilium.finetune.lines import read_lines
from consilium.tools.registry import TOOLS

Category = Literal["single", "parallel", "missing", "none", "followup"]


class _Strict(BaseModel):
    """A part of a line; a misspelt key would silently mean its default."""

    model_config = ConfigDict(extra="forbid")


class ExpectedCall(_Strict):
    """A call that is right: for every argument the acceptable values; "" among them means it may be left out."""

    name: str
    arguments: dict[str, Annotated[list[Any], Field(min_length=1)]]

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        if self.name not in TOOLS:
            raise ValueError(f"there is no tool {self.name}")
        known = TOOLS[self.name].args.model_fields
        if unknown := [name for name in self.arguments if name not in known]:
            raise ValueError(f"{self.name} has no argument {unknown[0]}")
        return self


class Expectation(_Strict):
    """The right behaviour in one turn: these calls, or none and a reply that asks for `asks`."""

    calls: list[ExpectedCall] = []
    asks: list[str] = []


class CaseTurn(_Strict):
    """A user's message and what is expected of it."""

    user: str
    expect: Expectation


class Case(_Strict):
    """A conversation to be played; `attachments` come with its first message."""

    id: str
    category: Category
    attachments: list[str] = []
    turns: list[CaseTurn] = Field(min_length=1)


class PredictedCall(_Strict):
    """A call that was made."""

    name: str
    arguments: dict[str, Any]


class PredictedTurn(_Strict):
    """What the assistant did with one message."""

    calls: list[PredictedCall] = []
    reply: str = ""


class Prediction(_Strict):
    """What the assistant did with one case."""

    id: str
    turns: list[PredictedTurn]


def read_cases(path: Path) -> list[Case]:
    """Cases of a JSONL file.

    Raises
    ------
    ConsiliumError
        If a line is broken or expects a call that no tool takes (named by number), an id occurs twice, or there is
        none.
    """
    rows = list(read_lines(path, Case))
    if not rows:
        raise ConsiliumError(f"{path} holds no case.")
    seen: dict[str, int] = {}
    for line, case in rows:
        if case.id in seen:
            raise ConsiliumError(
                f"{path}, line {line}: the id {case.id} occurs twice (first on line {seen[case.id]})."
            )
        seen[case.id] = line
    return [case for _, case in rows]


def read_predictions(path: Path, turns: Mapping[str, int]) -> dict[str, Prediction]:
    """Predictions of a JSONL file by case id.

    Parameters
    ----------
    turns : how many turns each known case has, by id.

    Raises
    ------
    ConsiliumError
        If a line is broken, is of no known case or of one that came before, or holds too many turns.
    """
    found: dict[str, Prediction] = {}
    for line, prediction in read_lines(path, Prediction):
        where = f"{path}, line {line}"
        if prediction.id not in turns:
            raise ConsiliumError(f"{where}: there is no case {prediction.id}.")
        if prediction.id in found:
            raise ConsiliumError(f"{where}: the case {prediction.id} was predicted before.")
        if len(prediction.turns) > turns[prediction.id]:
            raise ConsiliumError(
                f"{where}: the case {prediction.id} has {turns[prediction.id]} turns, "
                f"not {len(prediction.turns)}."
            )
        found[prediction.id] = prediction
    return found


def _mark(path: Path) -> Path:
    return path.with_suffix(".made-by.json")


def given(path: Path | None, turns: Mapping[str, int]) -> list[Prediction] | None:
    """Predictions that came from elsewhere and are to be graded as they are; None where a model is to make them.

    A file that we made has a mark beside it that says what made it; one without a mark must hold every case.

    Raises
    ------
    ConsiliumError
        If a file without a mark is malformed or lacks a case.
    """
    if path is None or not path.exists() or _mark(path).exists():
        return None
    found = read_predictions(path, turns)
    if lacking := [name for name in turns if name not in found]:
        raise ConsiliumError(
            f"{path} lacks {len(lacking)} of {len(turns)} cases, the first of them {lacking[0]}."
        )
    return [found[name] for name in turns]


def _claim(path: Path, digest: str, made_by: Mapping[str, Any]) -> None:
    mark = _mark(path)
    wanted = json.dumps({**made_by, "cases_sha256": digest}, indent=2, sort_keys=True) + "\n"
    if path.exists() and not (mark.exists() and mark.read_text(encoding="utf-8") == wanted):
        raise ConsiliumError(
            f"{path} holds predictions of another model, prompt or set of cases: name a new file."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(wanted, encoding="utf-8")


def _drop_torn_line(path: Path) -> None:
    """Cut off a last line without an end: what a killed run was writing."""
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        path.write_bytes(content[: content.rfind(b"\n") + 1])


class _Playable(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def turns(self) -> Sequence[Any]: ...

    def model_dump_json(self) -> str: ...


_Case = TypeVar("_Case", bound=_Playable)


def predict(
    cases: Sequence[_Case],
    play: Callable[[_Case], Prediction],
    path: Path | None,
    made_by: Mapping[str, Any],
) -> list[Prediction]:
    """Play every case, with a progress bar; cases already in the file at `path` are not played again.

    Beside that file lies what it was made by and from; with another model, prompt or set of cases it is refused.
    """
    done: dict[str, Prediction] = {}
    if path:
        digest = sha256("".join(case.model_dump_json() for case in cases).encode()).hexdigest()
        _claim(path, digest, made_by)
        if path.exists():
            _drop_torn_line(path)
            done = read_predictions(path, {case.id: len(case.turns) for case in cases})
    for case in tqdm(
        cases,
        desc="cases",
        unit="case",
    ):
        if case.id not in done:
            done[case.id] = play(case)
            if path:
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(done[case.id].model_dump(), ensure_ascii=False) + "\n")
    return [done[case.id] for case in cases]
