"""What a training conversation is: the user's words, the right calls, their results, the reply."""

from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, field_validator

from consilium.tools.contract import ToolResult
from consilium.tools.registry import TOOLS
from consilium.tools.treatment.contract import Plan

Category = Literal["single", "parallel", "missing", "none", "followup", "result"]


class Call(BaseModel):
    """One gold call; `arguments` holds only what was stated, in the order of the contract's fields.

    One that lacks a required value is not run: the value is asked for.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    arguments: dict[str, Any]

    @field_validator("arguments")
    @classmethod
    def _in_one_order(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        """Plans in the contract's order: theirs means nothing, so there is one less to learn."""
        plans, order = arguments.get("plans"), get_args(Plan)
        if not isinstance(plans, list) or not all(plan in order for plan in plans):
            return arguments  # what else may be wrong with it, the contract says
        return arguments | {"plans": sorted(plans, key=order.index)}

    @property
    def lacking(self) -> list[str]:
        """Required arguments that nobody stated."""
        return TOOLS[self.name].lacking(self.arguments)


class Turn(BaseModel):
    """A message and the right behaviour: `calls`, or only words.

    `attachments` are the ids attached with this message. `results` has one for each call that lacks nothing; `asks`
    are the argument names that nobody gave. `reply` is what the model says once the results are there; where no call
    can be run, the question (the house's, see `assistant.llm.asking`).
    """

    model_config = ConfigDict(extra="forbid")

    user: str
    attachments: list[str] = []
    calls: list[Call] = []
    results: list[ToolResult] = []
    asks: list[str] = []
    reply: str

    @property
    def complete(self) -> list[Call]:
        """The calls that can be run."""
        return [call for call in self.calls if not call.lacking]


class Conversation(BaseModel):
    """A whole chat. `attachments` are all ids that it ever gets."""

    id: str
    category: Category
    attachments: list[str] = []
    turns: list[Turn]
