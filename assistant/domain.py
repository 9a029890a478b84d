"""What a conversation is made of: attachments, calls, turns; and the events a running turn sends to a page.

Plain data, no behaviour: the store keeps these, the page and the command line show them, the chair makes them.
"""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from consilium.tools.contract import ToolResult


class ConsiliumError(Exception):
    """Something the user can act on, in one plain sentence. Everything the house raises on purpose is one."""


class Attachment(BaseModel):
    """A film as the house keeps it: pixels without identifiers, named by an opaque id within its conversation.

    `path` is the admitted 8- or 16-bit greyscale PNG, `preview` a small 8-bit PNG, `facts` what the film itself
    says and may be used as data (e.g. view position), `sha256` the hash of the file that was uploaded.
    """

    id: str
    path: Path
    preview: Path
    media_type: str
    width: int
    height: int
    sha256: str
    facts: dict[str, str] = {}


class Call(BaseModel):
    """One tool call of a turn; `result` is None while it runs."""

    id: str
    name: str
    arguments: dict[str, Any]
    result: ToolResult | None = None
    seconds: float = 0.0


class ModelInfo(BaseModel):
    """Which language model wrote the turn."""

    name: str
    adapter: str = ""
    adapter_sha256: str = ""
    device: str = ""
    dtype: str = ""
    prompt_sha256: str = ""


class TurnStatus(StrEnum):
    """How a turn ended; "running" in the store means the process died in it."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


Decision = Literal["call", "ask", "answer"]


class Turn(BaseModel):
    """A user's message and all that came of it.

    `timings` are seconds by phase (load, prefill, decode, tools, total). `removed` are sentences the number check
    took out of the answer, kept for the audit and never shown as an answer. `incomplete` are calls that lacked a
    required value: not made, but asked about.
    """

    id: str
    user: str
    attachments: list[str] = Field(default=[], description="ids attached with this message")
    decision: Decision | None = None
    calls: list[Call] = []
    incomplete: list[Call] = []
    answer: str = ""
    removed: list[str] = []
    status: TurnStatus = TurnStatus.RUNNING
    error: str = ""
    timings: dict[str, float] = {}
    model: ModelInfo | None = None
    created_at: datetime


class Conversation(BaseModel):
    """A chat: its turns in order and every attachment it ever had."""

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    turns: list[Turn] = []
    attachments: list[Attachment] = []


class ConversationInfo(BaseModel):
    """One line of the conversation list."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    title: str
    updated_at: datetime


class CallStarted(BaseModel):
    """A call was decoded and begins."""

    call: Call


class CallFinished(BaseModel):
    """A call ended; `call.result` is set."""

    call: Call


class AnswerText(BaseModel):
    """The whole answer so far, every number in it already checked."""

    text: str


class TurnFinished(BaseModel):
    """The last event of every turn, however it ended."""

    turn: Turn


TurnEvent = CallStarted | CallFinished | AnswerText | TurnFinished
