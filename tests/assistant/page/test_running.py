"""A running turn: watched by many, stopped by any, refused with its reason."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consilium.assistant.domain import (
    AnswerText,
    Call,
    CallFinished,
    CallStarted,
    ConsiliumError,
    Turn,
    TurnEvent,
    TurnFinished,
    TurnStatus,
)
from consilium.assistant.page.running import UNEXPECTED, RunningTurn, RunningTurns
from consilium.tools.contract import ToolResult

CALL = Call(id="c", name="analyze_scan", arguments={"image": "scan-1"})
RESULT = ToolResult(summary="Clear.")
DONE = Turn(id="t", user="?", status=TurnStatus.DONE, created_at=datetime.now(UTC))


class Script:
    """Tells the given events, then waits to be stopped where asked to."""

    def __init__(self, *events: TurnEvent | Exception, wait: bool = False) -> None:
        self.events = events
        self.wait = wait

    def respond(
        self,
        conversation_id: str,
        text: str,
        uploads: Sequence[Path],
        stop: threading.Event | None = None,
    ) -> Iterator[TurnEvent]:
        for event in self.events:
            if isinstance(event, Exception):
                raise event
            yield event
        if self.wait:
            assert stop is not None
            assert stop.wait(10)
        yield TurnFinished(turn=DONE)


def begin(script: Script) -> tuple[RunningTurns, RunningTurn, list[str]]:
    turns, accepted = RunningTurns(script), list[str]()
    return turns, turns.start("chat", "?", [], lambda: accepted.append("yes")), accepted


def last(running: RunningTurn) -> Turn:
    return list(running.states())[-1]


def test_every_watcher_sees_how_far_it_is_and_the_end() -> None:
    finished = CALL.model_copy(update={"result": RESULT})
    script = Script(
        CallStarted(call=CALL), CallFinished(call=finished), AnswerText(text="So"), wait=True
    )
    turns, running, accepted = begin(script)
    for turn in running.states():
        if turn.answer:
            assert turn.calls == [finished]
            break
    watchers = [running.states(), running.states()]
    assert [next(watcher).answer for watcher in watchers] == ["So", "So"]
    assert turns.get("chat") is running

    assert running.stop(wait_seconds=10)

    assert [list(watcher)[-1] for watcher in watchers] == [DONE, DONE]
    assert accepted == ["yes"]


def test_a_second_turn_of_the_same_chat_is_refused_and_of_another_is_not() -> None:
    turns, running, _ = begin(Script(AnswerText(text="a"), wait=True))
    with pytest.raises(ConsiliumError, match="still answering"):
        turns.start("chat", "again", [], lambda: None)
    other = turns.start("other", "hello", [], lambda: None)
    assert running.stop(10)
    assert other.stop(10)
    again = turns.start("chat", "again", [], lambda: None)
    assert again.stop(10)


def test_a_refused_message_was_not_accepted_and_is_kept_until_it_is_seen() -> None:
    turns, running, accepted = begin(Script(ConsiliumError("Too long.")))
    last(running)
    assert (running.refusal, running.accepted, accepted) == ("Too long.", False, [])
    assert turns.get("chat") is running
    turns.forget("chat", running)
    assert turns.get("chat") is None


def test_an_unexpected_error_is_a_plain_sentence_and_its_text_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    _, running, accepted = begin(Script(AnswerText(text="a"), ValueError("Jane Doe")))
    last(running)
    assert (running.refusal, running.accepted, accepted) == (UNEXPECTED, True, ["yes"])
    assert "ValueError" in caplog.text
    assert "Jane" not in caplog.text
