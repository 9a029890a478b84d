"""Entries of the Berkeley Function Calling Leaderboard (v4, single turn) and their functions as JSON schemas.

An entry file is JSON lines although its suffix is .json; its answers lie beside it in `possible_answer/` under the
same name. Where there are none (irrelevance), making no call is right.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from consilium.assistant.domain import ConsiliumError

_Row = TypeVar("_Row", bound=BaseModel)
_TYPES = {
    "dict": "object",
    "float": "number",
    "tuple": "array",
    "any": "string",
    "integer": "integer",
    "boolean": "boolean",
    "string": "string",
    "array": "array",
}


class Message(BaseModel):
    """One message of an entry."""

    role: str
    content: str


class Parameters(BaseModel):
    """The arguments of a function, in the leaderboard's own type names."""

    properties: dict[str, dict[str, Any]]
    required: list[str] = []


class Function(BaseModel):
    """One function an entry offers."""

    name: str
    description: str
    parameters: Parameters

    def schema_of_arguments(self) -> dict[str, Any]:
        """JSON schema of the arguments; an optional one may be left out."""
        return {
            "type": "object",
            "properties": {name: _schema(p) for name, p in self.parameters.properties.items()},
            "required": self.parameters.required,
            "additionalProperties": False,
        }

    def signature(self) -> str:
        """One line for the system message, like those of our own tools."""
        arguments = ", ".join(
            f"{name}{'' if name in self.parameters.required else '?'}: {_short(prop)}"
            for name, prop in self.parameters.properties.items()
        )
        described = "; ".join(
            f"{name}: {prop['description']}"
            for name, prop in self.parameters.properties.items()
            if prop.get("description")
        )
        return f"{self.name}({arguments}) {self.description} {described}".rstrip()


def _short(prop: Mapping[str, Any]) -> str:
    if "enum" in prop:
        return "|".join(map(str, prop["enum"]))
    if prop["type"] in ("array", "tuple"):
        return f"[{_short(prop['items'])}]" if "items" in prop else "list"
    names = {
        "integer": "int",
        "boolean": "bool",
        "string": "text",
        "float": "number",
        "any": "text",
    }
    return names.get(prop["type"], str(prop["type"]))


def _schema(prop: Mapping[str, Any]) -> dict[str, Any]:
    kind = _TYPES[prop["type"]]
    schema: dict[str, Any] = {"type": kind}
    if "enum" in prop:
        schema = {"enum": prop["enum"]}
    elif kind == "array" and "items" in prop:
        schema["items"] = _schema(prop["items"])
    elif kind == "object" and prop.get("properties"):
        schema["properties"] = {name: _schema(p) for name, p in prop["properties"].items()}
        schema["required"] = prop.get("required", [])
        schema["additionalProperties"] = False
    return schema


class Entry(BaseModel):
    """A message, the functions offered, and for each right call the acceptable values by argument."""

    model_config = ConfigDict(extra="ignore")

    id: str
    question: list[list[Message]]
    function: list[Function]
    ground_truth: list[dict[str, dict[str, list[Any]]]] = []

    @property
    def turns(self) -> list[str]:
        """The user's messages; the files read here have one each."""
        return ["\n".join(m.content for m in turn if m.role == "user") for turn in self.question]

    @property
    def category(self) -> str:
        """The file it is from, which its id begins with."""
        return re.sub(r"_\d+(?:-\d+)*$", "", self.id)


class _Answer(BaseModel):
    id: str
    ground_truth: list[dict[str, dict[str, list[Any]]]]


def read_entries(path: Path) -> list[Entry]:
    """Entries of a file with their answers.

    Raises
    ------
    ConsiliumError
        If a line of either file is broken (named by file and number), or an entry that needs an answer has none.
    """
    entries = [_checked(path, line, Entry, row) for line, row in _rows(path)]
    if not entries:
        raise ConsiliumError(f"{path} holds no entry.")
    answer_file = path.parent / "possible_answer" / path.name
    if not answer_file.exists():
        if lacking := next((e.id for e in entries if "irrelevance" not in e.category), None):
            raise ConsiliumError(f"{answer_file} is not there, so {lacking} has no answer.")
        return entries
    answers = {
        answer.id: answer.ground_truth
        for answer in (_checked(answer_file, n, _Answer, row) for n, row in _rows(answer_file))
    }
    if lacking := next((entry.id for entry in entries if entry.id not in answers), None):
        raise ConsiliumError(f"{answer_file} has no answer for {lacking}.")
    for entry in entries:
        offered = {function.name for function in entry.function}
        for name in (name for call in answers[entry.id] for name in call):
            if name not in offered:
                raise ConsiliumError(
                    f"{answer_file}: the answer of {entry.id} calls {name}, which it does not offer."
                )
    return [entry.model_copy(update={"ground_truth": answers[entry.id]}) for entry in entries]


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise ConsiliumError(
                    f"{path}, line {number}: this is not JSON ({error})."
                ) from error


def _checked(path: Path, line: int, kind: type[_Row], row: Any) -> _Row:
    try:
        checked = kind.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConsiliumError(f"{path}, line {line}: {where}: {first['msg']}.") from error
    if isinstance(checked, Entry):
        for function in checked.function:
            for name, prop in function.parameters.properties.items():
                if prop.get("type") not in _TYPES:
                    raise ConsiliumError(
                        f"{path}, line {line}: {function.name}.{name} has no type of "
                        f"{', '.join(_TYPES)}."
                    )
    return checked
