"""How a conversation becomes the model's text, the same for serving, evaluation and training.

The text has two parts. The prefix (system prompt and tool signatures) is constant, so its key/value cache is
computed once; the suffix is the chat itself. This module knows nothing about a particular model.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, TypedDict

from transformers import PreTrainedTokenizerBase

from consilium import prompts
from consilium.tools.contract import Finding, ToolResult, ToolSpec


class Message(TypedDict, total=False):
    """One chat message in the form that `apply_chat_template` takes.

    `tool_calls` holds ``{"function": {"name", "arguments"}}`` in the order they were decoded.
    """

    role: str
    content: str
    tool_calls: list[dict[str, Any]]


def signature(spec: ToolSpec) -> str:
    """One line that tells the model a tool's name, arguments and use, made from its contract."""
    required = set(spec.schema().get("required", ()))
    arguments = ", ".join(
        f"{name}{'' if name in required else '?'}: {_type_name(prop)}"
        for name, prop in spec.properties().items()
    )
    return f"{spec.name}({arguments}) {spec.description}"


def _type_name(prop: Mapping[str, Any]) -> str:
    if "enum" in prop:
        return "|".join(prop["enum"])
    if prop["type"] == "array":
        return f"[{_type_name(prop['items'])}]"
    short = {"integer": "int", "boolean": "bool", "string": "text", "number": "number"}
    return short[prop["type"]]


def system_message(specs: Iterable[ToolSpec]) -> Message:
    """The constant first message: the system prompt and one signature per tool."""
    lines = "\n".join(signature(spec) for spec in specs)
    return {"role": "system", "content": prompts.load("system.md") + lines}


def prompt_sha256(specs: Iterable[ToolSpec]) -> str:
    """What of the prompt is ours, as one hash: system message, tool signatures and chat format."""
    text = system_message(specs)["content"] + prompts.load("chat.jinja")
    return sha256(text.encode()).hexdigest()


def user_message(text: str, attachments: Sequence[str] = ()) -> Message:
    """A user's message; attachments are named by id before the words."""
    shown = f"[attached: {', '.join(attachments)}]\n" if attachments else ""
    return {"role": "user", "content": shown + _inert(text)}


def call_message(
    calls: Sequence[tuple[str, Mapping[str, Any]]], specs: Iterable[ToolSpec]
) -> Message:
    """An assistant's message that calls tools; numbers are written in their shortest form."""
    known = {spec.name: spec for spec in specs}
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "function": {
                    "name": name,
                    "arguments": _shortest(
                        written_out(known[name], arguments) if name in known else arguments
                    ),
                }
            }
            for name, arguments in calls
        ],
    }


def unsaid(prop: Mapping[str, Any]) -> Any:
    """What the model writes for an argument that nobody stated.

    The default where it is a choice that can be read off the chat (false, a unit, an empty list), else None.
    """
    plain = prop["type"] == "boolean" or "enum" in prop or prop.get("default") == []
    return prop.get("default") if plain else None


def written_out(spec: ToolSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Every argument of the contract in its order, so that each is a question of its own to the model.

    A small model that may leave an argument out leaves out too many.
    """
    return {
        name: arguments[name] if name in arguments else unsaid(prop)
        for name, prop in spec.properties().items()
    }


def as_stated(spec: ToolSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse of `written_out`: without what nobody stated."""
    properties = spec.properties()
    return {
        name: value
        for name, value in arguments.items()
        if value not in (None, unsaid(properties[name]))
    }


def words_message(text: str) -> Message:
    """An assistant's message in words."""
    return {"role": "assistant", "content": text}


def result_message(name: str, rendered: str, *, earlier: bool) -> Message:
    """A tool's result as the model reads it; one of an earlier turn is its summary, so that a chat stays short.

    Parameters
    ----------
    rendered : what `render_result` made.
    """
    shown = rendered.partition("\n")[0] if earlier else rendered
    return {"role": "tool", "content": f"{name}\n{shown}"}


def render_result(result: ToolResult) -> str:
    """The words and numbers of a result, one item a line. The summary always comes first."""
    lines = [result.summary, *(_finding(finding) for finding in result.findings)]
    if result.reason and result.reason not in result.summary:
        lines.append(f"reason: {result.reason}")
    lines += [f"assumed: {text}" for text in result.assumptions]
    lines += [f"warning: {text}" for text in result.warnings]
    return _inert("\n".join(lines))


def _inert(text: str) -> str:
    """Text without the model's own marks, so that pasted or retrieved words cannot begin a turn."""
    return re.sub(r"<\|[^|<>]*\|>", " ", text)


def _finding(finding: Finding) -> str:
    value = "none" if finding.value is None else f"{finding.value} {finding.unit}".strip()
    interval = "" if finding.interval is None else " ({} to {})".format(*finding.interval)
    return f"{finding.label}: {value}{interval}, {finding.level}"


def render(
    tokenizer: PreTrainedTokenizerBase,
    messages: Sequence[Message],
    *,
    add_generation_prompt: bool = False,
) -> str:
    """Text of some messages, to be tokenised without special tokens added."""
    text = tokenizer.apply_chat_template(
        [dict(message) for message in messages],  # type: ignore[arg-type]
        chat_template=prompts.load("chat.jinja"),
        add_generation_prompt=add_generation_prompt,
        tokenize=False,
    )
    return str(text)


def _shortest(value: Any) -> Any:
    """22.0 becomes 22, so that a number has one spelling in training and in decoding."""
    if isinstance(value, Mapping):
        return {name: _shortest(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortest(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
