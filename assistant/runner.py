"""Runs one tool call: checks it, loads the specialist, keeps its time limit. Whatever happens is a result."""

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from consilium.assistant.llm.grammar import Stated
from consilium.tools.contract import (
    ToolArgs,
    ToolContext,
    ToolError,
    ToolResult,
    ToolSpec,
    invalid_call,
    unavailable,
)

_log = logging.getLogger(__name__)


def run_call(
    spec: ToolSpec,
    arguments: Mapping[str, Any],
    context: ToolContext,
    *,
    stated: Stated | None = None,
    stop: threading.Event | None = None,
) -> ToolResult:
    """Result of a call; an invalid call, a refusal, an exception and a time-out are results with status "error".

    Parameters
    ----------
    stated : what the chat states; a value marked as stated that is not in it is refused. None: no such check.
    stop : when set, waiting for the tool ends.
    """
    try:
        args = spec.args.model_validate(arguments)
    except ValidationError as error:
        return invalid_call(spec, error)
    if stated is not None:
        for name in _unstated(
            spec, arguments, stated
        ):  # the value stays out: no answer may repeat it
            return _failed(
                f"The {spec.title} was not run: nobody in this chat stated the {name} it was given."
            )
    if spec.load is None:
        return unavailable(spec)
    return _run_in_time(spec, args, context, stop or threading.Event())


def _run_in_time(
    spec: ToolSpec, args: ToolArgs, context: ToolContext, stop: threading.Event
) -> ToolResult:
    """Run in a thread of its own; one that hangs is left behind (threads cannot be killed)."""
    outcome: list[ToolResult] = []

    def work() -> None:
        assert spec.load is not None
        try:
            outcome.append(spec.load()(args, context))
        except ToolError as error:
            outcome.append(_failed(str(error)))
        # The chat must end well whatever a tool does; a panic of Rust code is no Exception.
        except BaseException as error:
            _log.error("tool %s failed: %s", spec.name, type(error).__name__)
            _log.debug("tool %s failed", spec.name, exc_info=error)
            outcome.append(
                _failed(f"The {spec.title} failed unexpectedly ({type(error).__name__}).")
            )

    thread = threading.Thread(target=work, daemon=True, name=f"tool-{spec.name}")
    thread.start()
    waited = 0.0
    while thread.is_alive() and waited < spec.time_limit and not stop.is_set():
        thread.join(0.1)
        waited += 0.1
    if outcome:
        return outcome[0]
    if stop.is_set():
        return _failed(f"The {spec.title} was stopped.")
    return _failed(
        f"The {spec.title} took longer than {spec.time_limit:g} seconds and was given up."
    )


def _failed(sentence: str) -> ToolResult:
    return ToolResult(summary=sentence, status="error", reason=sentence)


def _unstated(spec: ToolSpec, arguments: Mapping[str, Any], stated: Stated) -> Iterator[str]:
    properties = spec.properties()
    for name, value in arguments.items():
        prop = properties[name]
        if prop.get("attachment") and value is not None and value not in stated.attachments:
            yield name
        if not prop.get("items", prop).get("stated") or value == prop.get("default"):
            continue
        items = value if isinstance(value, list) else [value]
        if not all(_is_stated(item, stated) for item in items):
            yield name


def _is_quoted(value: str, text: str) -> bool:
    """Whether it stands in the text as whole words; the case counts but in plain words: c1ccccc1 is not C1CCCCC1."""
    plain = all(part.isalpha() for part in re.split(r"[\s-]+", value))
    whole = rf"(?<!\S)[\"'(\[]*{re.escape(value)}[\"')\].,;:?!]*(?!\S)"
    return re.search(whole, " ".join(text.split()), re.IGNORECASE if plain else 0) is not None


def _is_stated(value: Any, stated: Stated) -> bool:
    if isinstance(value, str):
        return value in stated.words or _is_quoted(value, stated.text)
    return Decimal(repr(value)) in stated.numbers
