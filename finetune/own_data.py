"""Conversations of one's own, for `data:` in a configuration: checked as far as one can learn from them."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from consilium.assistant.domain import ConsiliumError
from consilium.finetune.lines import read_lines
from consilium.finetune.synthesis.example import Category, Conversation, Turn
from consilium.finetune.synthesis.generate import category_of
from consilium.finetune.synthesis.verify import broken


class _Own(BaseModel):
    """A line of the file: `Conversation`, of which the turns are enough."""

    model_config = ConfigDict(extra="forbid")

    id: str = ""
    category: Category | None = None
    attachments: list[str] = []
    turns: list[Turn] = Field(min_length=1)


def read_conversations(path: Path) -> dict[int, Conversation]:
    """Conversations of a JSONL file by line.

    Raises
    ------
    ConsiliumError
        If a line is no conversation, or a call, a result, a question or a reply of it is wrong; names the line.
    """
    found: dict[int, Conversation] = {}
    for line, own in read_lines(path, _Own):
        attached: list[str] = []
        for number, turn in enumerate(own.turns, start=1):
            attached += turn.attachments
            if fault := next(broken(turn, attached), ""):
                raise ConsiliumError(f"{path}, line {line}, turn {number}: {fault}")
        found[line] = Conversation(
            id=own.id or f"line {line}",
            category=own.category or category_of(own.turns),
            attachments=own.attachments or [name for t in own.turns for name in t.attachments],
            turns=own.turns,
        )
    if not found:
        raise ConsiliumError(f"{path} holds no conversation.")
    return found
