"""The turn: stored first, run in parallel, checked, never without an end."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.messages import AIMessage
from langchain_core.tracers import LangChainTracer
from langsmith.utils import get_env_var
from PIL import Image
from scripted import ScriptedBackend, calls

from consilium.assistant import chair as chair_module
from consilium.assistant.chair import Chair
from consilium.assistant.domain import (
    AnswerText,
    CallFinished,
    CallStarted,
    ConsiliumError,
    Turn,
    TurnFinished,
    TurnStatus,
)
from consilium.assistant.llm.chat import calls_of
from consilium.assistant.settings import Settings
from consilium.assistant.store import Store
from consilium.tools.contract import Finding, ToolContext, ToolResult
from consilium.tools.registry import TOOLS

_READING = ToolResult(
    summary="The film reader gives pneumonia a probability of 87 %.",
    findings=[Finding(label="pneumonia", value=0.87, unit="probability", level="likely")],
)


class Desk:
    """A chair with a scripted model and one conversation."""

    def __init__(self, home: Path, replies: Sequence[Any]) -> None:
        self.settings = Settings(home=home)
        self.store = Store(self.settings.database_url, home)
        self.backend = ScriptedBackend(list(replies))
        self.chair = Chair(self.settings, self.store, lambda: self.backend)
        self.conversation = self.store.create_conversation().id

    def say(self, text: str, *files: Path, stop: threading.Event | None = None) -> list[Any]:
        return list(self.chair.respond(self.conversation, text, files, stop))

    @property
    def stored(self) -> list[Turn]:
        return self.store.get(self.conversation).turns


@pytest.fixture
def desk(tmp_path: Path) -> Callable[..., Desk]:
    return lambda *replies: Desk(tmp_path, replies)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "upload.png"
    pixels = np.random.default_rng(0).integers(0, 255, (300, 280), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., ToolResult]], None]:
    def install(run: Callable[..., ToolResult]) -> None:
        tools = {**TOOLS, "analyze_scan": replace(TOOLS["analyze_scan"], load=lambda: run)}
        monkeypatch.setattr(chair_module, "TOOLS", tools)

    return install


def test_a_call_its_result_and_a_checked_answer(
    desk: Callable[..., Desk], film: Path, reader: Any
) -> None:
    reader(lambda *_: _READING)
    d = desk(
        calls(("analyze_scan", {"image": "scan-1"})), "Pneumonia is likely: 87 %. I am 99 % sure."
    )
    events = d.say("read this", film)
    kinds = [type(event) for event in events]
    assert kinds[:2] == [CallStarted, CallFinished]
    assert kinds[-1] is TurnFinished
    turn = d.stored[0]
    assert turn.status is TurnStatus.DONE
    assert turn.answer.startswith("Pneumonia is likely: 87 %.")
    assert "99" not in turn.answer
    assert turn.removed == ["I am 99 % sure."]
    assert not any("99" in event.text for event in events if isinstance(event, AnswerText))
    assert turn.model is not None
    assert turn.model.name == "scripted"


def test_an_answer_without_ground_gives_way_to_the_results(
    desk: Callable[..., Desk], film: Path, reader: Any
) -> None:
    reader(lambda *_: _READING)
    d = desk(calls(("analyze_scan", {"image": "scan-1"})), "It is 12 %.")
    d.say("read this", film)
    assert d.stored[0].answer == _READING.summary


def test_an_answer_that_passes_over_a_result_gets_its_summary(
    desk: Callable[..., Desk], film: Path, reader: Any
) -> None:
    reader(lambda *_: _READING)
    d = desk(calls(("analyze_scan", {"image": "scan-1"})), "The film was read.")
    d.say("read this", film)
    assert d.stored[0].answer == f"The film was read. {_READING.summary}"


@pytest.mark.parametrize("status", ["error", "abstained", "unavailable"])
@pytest.mark.parametrize("mixes_lines", [True, False])
def test_what_failed_beside_a_success_is_told_once(
    desk: Callable[..., Desk], film: Path, reader: Any, status: Any, mixes_lines: bool
) -> None:
    failure = ToolResult(summary="The film reader took too long.", status=status, reason="slow")
    results = iter([_READING, failure, failure])
    reader(lambda *_: next(results))
    three = calls(*(("analyze_scan", {"image": "scan-1"}) for _ in range(3)))
    d = desk(three, _READING.summary)
    d.backend.mixes_lines = mixes_lines
    d.say("read this", film)
    assert d.stored[0].answer == f"{_READING.summary} {failure.summary}"


def test_a_failure_that_the_answer_tells_is_not_told_again(
    desk: Callable[..., Desk], film: Path, reader: Any
) -> None:
    reader(lambda *_: ToolResult(summary="The film reader took too long.", status="error"))
    said = "Sadly, the film reader  took too long, so there is no reading."
    d = desk(calls(("analyze_scan", {"image": "scan-1"})), said)
    d.say("read this", film)
    assert d.stored[0].answer == said


def test_a_small_model_may_not_mix_the_lines_of_a_result(
    desk: Callable[..., Desk], film: Path, reader: Any
) -> None:
    other = Finding(label="effusion", value=0.12, unit="probability", level="unlikely")
    result = _READING.model_copy(update={"findings": [*_READING.findings, other]})
    reader(lambda *_: result)
    d = desk(calls(("analyze_scan", {"image": "scan-1"})), "Pneumonia: 0.87, or 0.12.")
    d.backend.mixes_lines = False
    d.say("read this", film)
    assert d.stored[0].answer == _READING.summary


def test_an_answer_to_a_new_call_does_not_repeat_an_earlier_result(
    desk: Callable[..., Desk], film: Path, reader: Any
) -> None:
    second = ToolResult(summary="On the second film it is 12 %.")
    results = iter([_READING, second])
    reader(lambda *_: next(results))
    d = desk(
        calls(("analyze_scan", {"image": "scan-1"})),
        _READING.summary,
        calls(("analyze_scan", {"image": "scan-2"})),
        f"{_READING.summary} {second.summary}",
    )
    d.backend.mixes_lines = False
    d.say("read this", film)
    d.say("and this", film)
    assert d.stored[1].answer == second.summary
    assert d.stored[1].removed == [_READING.summary]


def lacking(message: AIMessage, name: str, arguments: dict[str, Any]) -> AIMessage:
    """The message as the local model gives it when a call lacks a required value."""
    message.response_metadata = {
        "decision": "call" if message.tool_calls else "ask",
        "incomplete": [{"name": name, "arguments": arguments}],
    }
    return message


def test_a_call_that_lacks_a_value_is_asked_about_and_remembered(desk: Callable[..., Desk]) -> None:
    asked = lacking(
        AIMessage(
            "The treatment simulator still needs the volumes of two visits: please add them."
        ),
        "simulate_treatment",
        {"horizon": 3},
    )
    it = desk(asked, "Thank you.")
    turn = it.say("how does it go on for 3 visits?")[-1].turn
    assert turn.decision == "ask"
    assert not turn.calls
    assert turn.answer == asked.content  # "two" stands in no result, but the house says it
    assert [(c.name, c.arguments) for c in turn.incomplete] == [
        ("simulate_treatment", {"horizon": 3})
    ]
    it.say("12 and 14")
    before = it.backend.model.seen[-1][-2]
    assert calls_of(before) == [("simulate_treatment", {"horizon": 3})]


def test_beside_a_result_what_another_call_lacks_is_asked_for(
    desk: Callable[..., Desk], film: Path, reader: Any
) -> None:
    reader(lambda *_: _READING)
    both = lacking(calls(("analyze_scan", {"image": "scan-1"})), "predict_risk", {"age": 61})
    turn = desk(both, _READING.summary).say("read it; and the risk at 61?", film)[-1].turn
    assert [call.name for call in turn.calls] == ["analyze_scan"]
    assert turn.answer.startswith(_READING.summary)
    assert turn.answer.endswith("and the systolic blood pressure: please add them.")


def test_independent_calls_run_side_by_side(
    desk: Callable[..., Desk], film: Path, reader: Any
) -> None:
    both = threading.Barrier(2, timeout=5)  # broken unless both calls are under way at once

    def read(_: Any, context: ToolContext) -> ToolResult:
        both.wait()
        return _READING

    reader(read)
    d = desk(
        calls(("analyze_scan", {"image": "scan-1"}), ("analyze_scan", {"image": "scan-2"})), "Done."
    )
    d.say("read both", film, film)
    assert [call.result and call.result.status for call in d.stored[0].calls] == ["ok", "ok"]


def test_a_tool_that_raises_leaves_no_dangling_call(
    desk: Callable[..., Desk], film: Path, reader: Any
) -> None:
    def crash(*_: Any) -> ToolResult:
        raise RuntimeError("secret")

    reader(crash)
    d = desk(calls(("analyze_scan", {"image": "scan-1"})), "The reader failed.", "Yes?")
    d.say("read this", film)
    d.say("again?")
    assert [turn.status for turn in d.stored] == [TurnStatus.DONE, TurnStatus.DONE]
    kinds = [message.type for message in d.backend.model.seen[-1]]
    assert kinds == ["system", "human", "ai", "tool", "ai", "human"]


def test_an_unknown_tool_of_a_server_is_a_result(desk: Callable[..., Desk]) -> None:
    d = desk(calls(("prescribe", {"drug": "x"})), "I cannot do that.")
    d.say("prescribe something")
    result = d.stored[0].calls[0].result
    assert result is not None
    assert result.status == "error"
    assert (
        d.stored[0].answer
        == "I cannot do that. The language model asked for a tool that there is not."
    )


def test_a_number_that_nobody_stated_is_not_run(desk: Callable[..., Desk]) -> None:
    risk = {
        "age": 61,
        "sex": "male",
        "total_cholesterol": 200,
        "hdl_cholesterol": 40,
        "systolic_bp": 120,
    }
    d = desk(calls(("predict_risk", risk)), "I need the systolic blood pressure.")
    d.say("risk of a man of 61, cholesterol 200, HDL 40")
    result = d.stored[0].calls[0].result
    assert result is not None
    assert "nobody in this chat stated the systolic_bp" in result.summary


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "write a question"), ("  \n ", "write a question"), ("x" * 50_000, "50,000 characters")],
)
def test_messages_that_are_refused_before_anything_is_stored(
    desk: Callable[..., Desk], text: str, says: str
) -> None:
    d = desk()
    with pytest.raises(ConsiliumError, match=says):
        d.say(text)
    assert d.stored == []


def test_eleven_attachments_are_refused_and_nothing_is_kept(
    desk: Callable[..., Desk], film: Path
) -> None:
    d = desk()
    with pytest.raises(ConsiliumError, match="11 files"):
        d.say("read", *[film] * 11)
    assert d.store.get(d.conversation).attachments == []


def test_a_model_that_breaks_ends_the_turn_and_keeps_the_message(desk: Callable[..., Desk]) -> None:
    d = desk(RuntimeError("/secret/path"), "Hello.")
    last = d.say("hello")[-1]
    assert isinstance(last, TurnFinished)
    assert last.turn.status is TurnStatus.FAILED
    assert "secret" not in last.turn.error
    d.say("hello again")
    assert [turn.user for turn in d.stored] == ["hello", "hello again"]
    assert d.stored[1].answer == "Hello."


def test_what_was_found_stands_beside_the_error(
    desk: Callable[..., Desk], film: Path, reader: Any
) -> None:
    reader(lambda *_: _READING)
    d = desk(calls(("analyze_scan", {"image": "scan-1"})), ConsiliumError("Too long."), "Yes?")
    d.say("read this", film)
    turn = d.stored[0]
    assert (turn.status, turn.answer, turn.error) == (
        TurnStatus.FAILED,
        _READING.summary,
        "Too long.",
    )
    d.say("again?")
    assert d.backend.model.seen[-1][-2].content == _READING.summary


def test_what_was_said_stands_beside_the_error(desk: Callable[..., Desk]) -> None:
    broken = AIMessage("It is 142. So 1", additional_kwargs={"raises": ConsiliumError("Gone.")})
    turn = desk(broken).say("142 and 1")[-1].turn
    assert (turn.status, turn.answer, turn.error) == (
        TurnStatus.FAILED,
        "It is 142. So",
        "Gone.",
    )


def test_a_panic_in_the_model_ends_the_turn(desk: Callable[..., Desk]) -> None:
    class PanicError(BaseException):
        pass

    turn = desk(PanicError()).say("hello")[-1].turn
    assert turn.status is TurnStatus.FAILED
    assert "went wrong" in turn.error


def test_stop_while_the_model_loads_generates_nothing(tmp_path: Path) -> None:
    d = Desk(tmp_path, ["never said"])
    stop = threading.Event()

    def load() -> Any:
        stop.set()
        return d.backend

    d.chair = Chair(d.settings, d.store, load)
    turn = d.say("hello", stop=stop)[-1].turn
    assert (turn.status, turn.answer) == (TurnStatus.STOPPED, "Stopped.")
    assert d.backend.model.seen == []


def test_a_model_that_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    store = Store(settings.database_url, tmp_path)

    def fail() -> Any:
        raise ConsiliumError("The language model is missing: run `consilium fetch`.")

    chair = Chair(settings, store, fail)
    conversation = store.create_conversation().id
    last = list(chair.respond(conversation, "hello"))[-1]
    assert isinstance(last, TurnFinished)
    assert last.turn.error == "The language model is missing: run `consilium fetch`."


def test_nothing_is_traced_though_the_environment_asks_for_it(
    desk: Callable[..., Desk], film: Path, reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGCHAIN_TRACING_V2", "true")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", "http://127.0.0.1:9")  # a failure sends nothing out
    get_env_var.cache_clear()
    tracers: list[str] = []
    monkeypatch.setattr(LangChainTracer, "__init__", lambda *_, **__: tracers.append("one"))
    reader(lambda *_: _READING)
    d = desk(calls(("analyze_scan", {"image": "scan-1"})), _READING.summary)
    try:
        d.say("read this", film)
    finally:
        monkeypatch.undo()
        get_env_var.cache_clear()
    assert d.stored[0].status is TurnStatus.DONE
    assert tracers == []


def test_stop_ends_a_running_tool_and_keeps_the_turn(
    desk: Callable[..., Desk], film: Path, reader: Any
) -> None:
    reader(lambda *_: time.sleep(30))
    d = desk(calls(("analyze_scan", {"image": "scan-1"})), "never said")
    stop = threading.Event()
    started = time.monotonic()
    for event in d.chair.respond(d.conversation, "read", [film], stop):
        if isinstance(event, CallStarted):
            stop.set()
    assert time.monotonic() - started < 10
    assert d.stored[0].status is TurnStatus.STOPPED
    assert d.stored[0].answer == "Stopped."
    d.say("then read it now")
    assert d.backend.model.seen[-1][1].additional_kwargs["attachments"] == ["scan-1"]


def test_stop_does_not_wait_for_a_slow_model(desk: Callable[..., Desk]) -> None:
    d = desk("so it goes on and on " * 400)
    d.backend.model.pause = 0.05  # two minutes in all, and deaf to Stop
    stop = threading.Event()
    started = time.monotonic()
    for event in d.chair.respond(d.conversation, "hello", [], stop):
        if isinstance(event, AnswerText):
            stop.set()
    assert time.monotonic() - started < 5
    assert d.stored[0].status is TurnStatus.STOPPED


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("It is 142. So 1", "It is 142."),
        ("It is 142. So 1.", "It is 142."),
        ("It is 142. So it is.", "It is 142. So it is."),
        ("Two lines:\n- 142\n- 1", "Two lines:\n- 142"),
        ("So 1", ""),
        ("It is 142. So approx. 1", "It is 142."),
        ("It is 142. So approx.", "It is 142."),
    ],
)
def test_an_answer_that_grew_too_long_ends_with_a_whole_sentence(
    desk: Callable[..., Desk], said: str, kept: str
) -> None:
    d = desk(AIMessage(said, response_metadata={"finish_reason": "length"}))
    d.say("142 and 1.5 and 1 and 2")
    mark = "The answer ends here, at the longest it may be."
    assert d.stored[0].answer == f"{kept} {mark}".strip()


def test_a_question_for_a_value_tells_that_the_calls_were_cut(desk: Callable[..., Desk]) -> None:
    lacking = [{"name": "predict_risk", "arguments": {}}]
    metadata = {"decision": "ask", "incomplete": lacking, "calls_cut": True}
    d = desk(AIMessage("How old?", response_metadata=metadata))
    d.say("risk")
    mark = "The list of calls was cut off at its longest: one of them may be missing."
    assert d.stored[0].answer == f"How old? {mark}"


def test_a_full_disk_still_shows_the_answer(
    desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    d = desk("Hello.")

    def full(_: Turn) -> None:
        raise ConsiliumError("The disk is full.")

    monkeypatch.setattr(d.store, "save_turn", full)
    last = d.say("hello")[-1]
    assert isinstance(last, TurnFinished)
    assert (last.turn.answer, last.turn.error) == ("Hello.", "The disk is full.")


def test_a_lone_surrogate_is_replaced(desk: Callable[..., Desk]) -> None:
    d = desk("Hello.")
    d.say("caf\udcff")
    assert d.stored[0].user == "caf?"


def test_one_turn_at_a_time_in_a_conversation(desk: Callable[..., Desk]) -> None:
    d = desk("first answer")
    running = d.chair.respond(d.conversation, "first")
    next(running)
    with pytest.raises(ConsiliumError, match="still answering"):
        d.say("second")
    list(running)
    assert [turn.user for turn in d.stored] == ["first"]


def test_a_page_that_goes_away_leaves_a_stopped_turn(desk: Callable[..., Desk]) -> None:
    d = desk("a long answer indeed")
    running = d.chair.respond(d.conversation, "hello")
    next(running)
    running.close()  # type: ignore[attr-defined]
    assert d.stored[0].status is TurnStatus.STOPPED
    d.backend.model.replies.append("Here again.")
    d.say("and now?")
    assert d.stored[1].answer == "Here again."
