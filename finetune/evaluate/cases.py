"""Evaluation cases and predictions, one JSON object a line."""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from tqdm import tqdm

from consilium.assistant.domain import ConsiliumError

Category = Literal["single", "parallel", "missing", "none", "followup"]
_Row = TypeVar("_Row", bound=BaseModel)


class ExpectedCall(BaseModel):
    """A call that is right: for every argument the acceptable values; "" among them means it may be left out."""

    name: str
    arguments: dict[str, list[Any]]


class Expectation(BaseModel):
    """The right behaviour in one turn: these calls, or none and a reply that asks for `asks`."""

    calls: list[ExpectedCall] = []
    asks: list[str] = []


class CaseTurn(BaseModel):
    """A user's message and what is expected of it."""

    user: str
    expect: Expectation


class Case(BaseModel):
    """A conversation to be played; `attachments` come with its first message."""

    model_config = ConfigDict(extra="forbid")

    id: str
    category: Category
    attachments: list[str] = []
    turns: list[CaseTurn]


class PredictedCall(BaseModel):
    """A call that was made."""

    name: str
    arguments: dict[str, Any]


class PredictedTurn(BaseModel):
    """What the assistant did with one message."""

    calls: list[PredictedCall] = []
    reply: str = ""


class Prediction(BaseModel):
    """What the assistant did with one case."""

    id: str
    turns: list[PredictedTurn]


def _read(path: Path, kind: type[_Row]) -> list[_Row]:
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if line.strip():
            try:
                rows.append(kind.model_validate_json(line))
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"]))
                raise ConsiliumError(f"{path}, line {number}: {where}: {first['msg']}.") from error
    return rows


def read_cases(path: Path) -> list[Case]:
    """Cases of a JSONL file.

    Raises
    ------
    ConsiliumError
        If a line is broken (named by number), an id occurs twice, or there is none.
    """
    cases = _read(path, Case)
    if not cases:
        raise ConsiliumError(f"{path} holds no case.")
    ids = [case.id for case in cases]
    if twice := {name for name in ids if ids.count(name) > 1}:
        raise ConsiliumError(f"{path}: the id {min(twice)} occurs twice.")
    return cases


def _claim(path: Path, cases: Sequence[Case], made_by: Mapping[str, Any]) -> None:
    digest = sha256("".join(case.model_dump_json() for case in cases).encode()).hexdigest()
    mark = path.with_suffix(".made-by.json")
    wanted = json.dumps({**made_by, "cases_sha256": digest}, indent=2, sort_keys=True) + "\n"
    if path.exists() and not (mark.exists() and mark.read_text(encoding="utf-8") == wanted):
        raise ConsiliumError(
            f"{path} holds predictions of another model, prompt or set of cases: name a new file."
        )
    mark.write_text(wanted, encoding="utf-8")


def predict(
    cases: Sequence[Case],
    play: Callable[[Case], Prediction],
    path: Path | None,
    made_by: Mapping[str, Any],
) -> list[Prediction]:
    """Play every case, with a progress bar; cases already in the file at `path` are not played again.

    Beside that file lies what it was made by and from; with another model, prompt or set of cases it is refused.
    """
    if path:
        _claim(path, cases, made_by)
    done = {p.id: p for p in _read(path, Prediction)} if path and path.exists() else {}
    for case in tqdm(cases, desc="cases", unit="case"):
        if case.id not in done:
            done[case.id] = play(case)
            if path:
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(done[case.id].model_dump(), ensure_ascii=False) + "\n")
    return [done[case.id] for case in cases]
