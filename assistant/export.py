"""A conversation as a file to keep: JSON with everything but this machine's paths, Markdown to read."""

import json
import re
from typing import Any

from consilium.assistant.domain import Call, Conversation, Turn
from consilium.assistant.findings import interval_text, value_text
from consilium.assistant.notice import RESEARCH_USE
from consilium.tools.contract import Finding

_EACH = "__all__"
_WITHOUT_PATHS: dict[str, Any] = {
    "attachments": {_EACH: {"path", "preview"}},
    "turns": {_EACH: {"calls": {_EACH: {"result": {"artifacts": {_EACH: {"path"}}}}}}},
}


def as_json(conversation: Conversation) -> dict[str, Any]:
    """The whole trace: messages, calls, arguments, results, timings, model."""
    return {
        "format": "consilium-conversation-1",
        "notice": RESEARCH_USE,
        **conversation.model_dump(mode="json", exclude=_WITHOUT_PATHS),
    }


def as_markdown(conversation: Conversation) -> str:
    """A document with one section per message."""
    lines = [
        f"# {_plain(conversation.title)}",
        "",
        f"{conversation.created_at:%Y-%m-%d %H:%M} UTC. {RESEARCH_USE}",
        "",
    ]
    for number, turn in enumerate(conversation.turns, start=1):
        lines += [f"## {number}. Question", "", *_turn(turn)]
    return "\n".join(lines)


def _turn(turn: Turn) -> list[str]:
    lines = [_quote(turn.user), ""]
    if turn.attachments:
        lines += [f"Attached: {', '.join(turn.attachments)}", ""]
    for call in turn.calls:
        lines += _call(call, f"{call.seconds:.1f} s")
    for call in turn.incomplete:
        lines += _call(call, "not run: a value is missing")
    if turn.answer:
        lines += ["### Answer", "", _quote(turn.answer), ""]
    if turn.error:
        lines += [f"Not completed: {_plain(turn.error)}", ""]
    return lines


def _call(call: Call, note: str) -> list[str]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    lines = [f"### {_plain(call.name)} ({note})", "", f"    {arguments}", ""]
    if call.result is None:
        return lines
    lines += [_plain(call.result.summary), ""]
    if call.result.findings:
        lines += ["| Finding | Value | Unit | Interval | Level |", "|---|---|---|---|---|"]
        lines += [
            "| " + " | ".join(_plain(cell) for cell in _cells(finding)) + " |"
            for finding in call.result.findings
        ]
        lines.append("")
    for name, items in (
        ("Assumed", call.result.assumptions),
        ("Warning", call.result.warnings),
        (
            "Source",
            [" ".join(filter(None, (s.name, s.version, s.data))) for s in call.result.sources],
        ),
    ):
        lines += [f"- {name}: {_plain(item)}" for item in items]
    return [*lines, ""]


def _cells(finding: Finding) -> tuple[str, ...]:
    return (
        finding.label,
        value_text(finding),
        finding.unit,
        interval_text(finding),
        finding.level,
    )


def _plain(text: str) -> str:
    """Text that a Markdown reader shows as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|!~&])", r"\\\1", " ".join(text.split()))


def _quote(text: str) -> str:
    return "\n".join(f"> {_plain(line)}" for line in text.splitlines())
