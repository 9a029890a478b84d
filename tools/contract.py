"""What every specialist agrees on: typed arguments in, one typed result out.

The argument models are the only source of the JSON schema, the validation, the decoding grammar and the
signatures that the language model reads. This module covers the shape of a call and of a result; which
specialists exist is in `registry`, how they are run (time limits, parallel) is the chair's affair.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Level = Literal["likely", "indeterminate", "unlikely", "high", "borderline", "low", "info"]

# Marks an argument whose value must have been said in the chat; the chair restricts decoding to what was said.
Stated = Field(json_schema_extra={"stated": True})
StatedNumber = Annotated[float, Stated]
StatedInt = Annotated[int, Stated]
StatedText = Annotated[str, Stated]  # one word; `quoted` marks a run of the user's words
AttachmentId = Annotated[
    str, Field(pattern=r"^scan-[1-9][0-9]*$", json_schema_extra={"attachment": True})
]


class ToolArgs(BaseModel):
    """Arguments of one call. Unknown names and wrong types are refused ("5" is not a number)."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Finding(BaseModel):
    """One labelled value of a result.

    Parameters
    ----------
    label : what was measured, e.g. "pneumonia".
    value : the number or text; None where the tool abstained from it.
    unit : unit of `value`, empty for plain text; "probability" runs from 0 to 1.
    interval : (low, high) in the same unit, where the tool has one.
    level : how the value reads, in words.
    """

    label: str
    value: float | str | None
    unit: str = ""
    interval: tuple[float, float] | None = None
    level: Level = "info"


class Source(BaseModel):
    """Where a result comes from: a model with its version and data, or a case."""

    name: str
    version: str = ""
    data: str = ""


class Artifact(BaseModel):
    """A picture or table made by a tool. `path` stays inside the house; the LLM sees `id` and `title` only."""

    id: str
    kind: Literal["image", "table"]
    title: str
    path: Path
    media_type: str = "image/png"


class ToolResult(BaseModel):
    """What every specialist returns, and what an error becomes.

    `status` is "ok", "abstained" (the tool ran and declines to answer: `reason`), "error" (it could not run:
    `reason`) or "unavailable" (no such specialist is installed). `summary` is one plain sentence in every case.
    """

    summary: str
    status: Literal["ok", "abstained", "error", "unavailable"] = "ok"
    reason: str = ""
    findings: list[Finding] = []
    assumptions: list[str] = []
    warnings: list[str] = []
    sources: list[Source] = []
    artifacts: list[Artifact] = []

    @property
    def abstained(self) -> bool:
        """True where the tool looked at its input and declined to answer."""
        return self.status == "abstained"


class ToolError(Exception):
    """A refusal in one plain sentence that says what to do. Never carries paths, tags or identifiers."""


@dataclass(frozen=True)
class ToolContext:
    """What a running tool may touch: the chat's attachments by opaque id and a folder for its artifacts."""

    attachments: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    artifact_dir: Path = Path()

    def attachment(self, attachment_id: str) -> Path:
        """Path of an attachment.

        Raises
        ------
        ToolError
            If this chat has no attachment of that id.
        """
        if attachment_id not in self.attachments:
            known = ", ".join(self.attachments) or "none"
            raise ToolError(f"There is no attachment of that id in this chat (attached: {known}).")
        return self.attachments[attachment_id]


Run = Callable[[Any, ToolContext], ToolResult]


@dataclass(frozen=True)
class ToolSpec:
    """A specialist as the chair sees it.

    Parameters
    ----------
    name, description : as the language model reads them.
    args : the argument model; the description of a required field is what a person is asked for.
    title : what a person calls it, e.g. "chest film reader".
    load : checks the weights and returns the function that runs a call, quick when asked again; None where only
        the contract exists yet.
    time_limit : seconds one call may take.
    """

    name: str
    description: str
    title: str
    args: type[ToolArgs]
    load: Callable[[], Run] | None = None
    time_limit: float = 60.0

    @property
    def available(self) -> bool:
        """Whether a real specialist stands behind the contract."""
        return self.load is not None

    def schema(self) -> dict[str, Any]:
        """JSON schema of the arguments."""
        return self.args.model_json_schema()

    def lacking(self, arguments: Mapping[str, Any]) -> list[str]:
        """Names of required arguments that have no value, in the contract's order."""
        required = self.schema().get("required", ())
        return [name for name in required if arguments.get(name) is None]

    def properties(self) -> dict[str, dict[str, Any]]:
        """Schema of each argument by name; an optional one without its null branch, its marks kept."""
        return {name: _unwrapped(prop) for name, prop in self.schema()["properties"].items()}


def invalid_call(spec: ToolSpec, error: ValidationError) -> ToolResult:
    """What a call that the contract refuses comes to: the first thing that is wrong with it."""
    first = error.errors()[0]
    name = ".".join(str(part).replace("_", " ") for part in first["loc"])
    bounds = first.get("ctx", {})
    match first["type"]:
        case "less_than_equal":
            fault = f"{name} may be at most {bounds['le']}, not {first['input']}"
        case "greater_than_equal":
            fault = f"{name} must be at least {bounds['ge']}, not {first['input']}"
        case _:
            fault = f"{name}: {first['msg']}"
    reason = f"The {spec.title} was not run: {fault}."
    return ToolResult(summary=reason, status="error", reason=reason)


def unavailable(spec: ToolSpec) -> ToolResult:
    """The result of a call to a specialist that has a contract but is not installed."""
    return ToolResult(
        summary=f"The {spec.title} is not installed in this version, so {spec.name} was not run.",
        status="unavailable",
        reason=f"the {spec.title} is not installed in this version",
    )


def _unwrapped(prop: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" not in prop:
        return prop
    return {**prop, **next(branch for branch in prop["anyOf"] if branch["type"] != "null")}
