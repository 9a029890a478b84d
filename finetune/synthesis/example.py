"""What a training conversation is: the user's words, the right calls or questions, the results, the reply."""

from typing import Any, Literal

from pydantic import BaseModel

from consilium.tools.contract import ToolResult

Category = Literal["single", "parallel", "missing", "none", "followup", "result"]


class Call(BaseModel):
    """One gold call; `arguments` holds only what was stated, in the order of the contract's fields."""

    name: str
    arguments: dict[str, Any]


class Turn(BaseModel):
    """A message and the right behaviour: `calls` with one result each, or `asks`, or only words.

    `attachments` are the ids attached with this message; `asks` the argument names that nobody gave.
    """

    user: str
    attachments: list[str] = []
    calls: list[Call] = []
    results: list[ToolResult] = []
    asks: list[str] = []
    reply: str


class Conversation(BaseModel):
    """A whole chat. `attachments` are all ids that it ever gets."""

    id: str
    category: Category
    attachments: list[str] = []
    turns: list[Turn]
