"""The turn: store the message, let the model decide, run its calls, check the answer, store, show.

One turn at a time per conversation. Every turn ends with `TurnFinished`, whatever happened in between, and what
was said before it is never lost.
"""

import logging
import queue
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolMessage,
)
from langsmith import tracing_context

from consilium.assistant.agent import history, make_agent, result_of
from consilium.assistant.attachments import AttachmentStore
from consilium.assistant.domain import (
    AnswerText,
    Call,
    CallFinished,
    CallStarted,
    ConsiliumError,
    Conversation,
    Turn,
    TurnEvent,
    TurnFinished,
    TurnStatus,
)
from consilium.assistant.grounding import MARKS, Checked, Lines, check, reports
from consilium.assistant.llm.asking import question
from consilium.assistant.llm.backend import Backend
from consilium.assistant.llm.chat import human_message, stated_in
from consilium.assistant.llm.stated import grounds
from consilium.assistant.settings import Settings
from consilium.assistant.store import Store
from consilium.tools.contract import ToolContext, ToolResult, ToolSpec
from consilium.tools.registry import TOOLS

_log = logging.getLogger(__name__)

_NO_ANSWER = "I could not put an answer into words; please ask again in another way."
_STOPPED = "Stopped."
_TOO_LONG = "The answer ends here, at the longest it may be."
_CALLS_CUT = "The list of calls was cut off at its longest: one of them may be missing."
# Ends of sentences; a stop behind a digit at the very end may be a decimal point.
_END = re.compile(rf"{MARKS}[)\"”]?(?=\s)|(?<![\d.!?]){MARKS}$|\n")


class Chair:
    """Takes a clinician's message through a turn.

    Parameters
    ----------
    load : loads the language model at the first turn; its error is that turn's answer.
    specs : the tools it may call, those that the language model was loaded for; default: all.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        load: Callable[[], Backend],
        specs: Sequence[ToolSpec] | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._load = load
        self._specs = specs
        self._backend: Backend | None = None
        self._loading = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._attachments = AttachmentStore(
            settings.home, settings.max_attachments, settings.max_upload_mb
        )

    def load_model(self) -> Backend:
        """Load the language model now rather than at the first turn."""
        with self._loading:
            self._backend = self._backend or self._load()
        return self._backend

    def respond(
        self,
        conversation_id: str,
        text: str,
        uploads: Sequence[Path] = (),
        stop: threading.Event | None = None,
    ) -> Iterator[TurnEvent]:
        """Answer a message; the events come as they happen, `TurnFinished` last.

        Raises
        ------
        ConsiliumError
            Before anything is stored: the message is empty or too long, a file is refused, or the conversation is
            busy with an earlier message.
        """
        text = text.encode("utf-8", "replace").decode().strip()  # a lone surrogate cannot be stored
        if not text:
            raise ConsiliumError(
                "Please write a question to go with the film."
                if uploads
                else "Please write a question."
            )
        if len(text) > self._settings.max_question_chars:
            raise ConsiliumError(
                f"The message has {len(text):,} characters; the limit is {self._settings.max_question_chars:,}. "
                "Please shorten it."
            )
        lock = self._locks[conversation_id]
        if not lock.acquire(blocking=False):
            raise ConsiliumError(
                "This conversation is still answering the message before; wait for it or press Stop."
            )
        try:
            conversation = self._store.get(conversation_id)
            number = len(conversation.attachments) + 1
            attached = self._attachments.admit(conversation_id, uploads, number)
            self._store.add_attachments(conversation_id, attached)
            turn = self._store.begin_turn(conversation_id, text, [a.id for a in attached])
            conversation.attachments += attached
            yield from self._turn(conversation, turn, stop or threading.Event())
        finally:
            lock.release()

    def _turn(
        self, conversation: Conversation, turn: Turn, stop: threading.Event
    ) -> Iterator[TurnEvent]:
        started = time.perf_counter()
        try:
            backend = self.load_model()
            turn.timings["load"] = time.perf_counter() - started
            turn.model = backend.info
            if not stop.is_set():  # loading a model takes long enough for Stop
                yield from self._events(backend, conversation, turn, stop)
            turn.status = TurnStatus.STOPPED if stop.is_set() else TurnStatus.DONE
        except GeneratorExit:  # who asked is gone: keep what there is
            stop.set()
            turn.status = TurnStatus.STOPPED
            raise
        except ConsiliumError as error:
            turn.status, turn.error = TurnStatus.FAILED, str(error)
        except Exception as error:  # the chat must end well whatever the machinery does
            turn.status, turn.error = TurnStatus.FAILED, self._sentence(error)
        finally:
            if turn.status is TurnStatus.STOPPED and not turn.answer:
                turn.answer = _STOPPED
            turn.timings["total"] = time.perf_counter() - started
            self._save(turn)
        yield TurnFinished(turn=turn)

    def _save(self, turn: Turn) -> None:
        """Store the turn; where that fails, the answer is still shown, with the reason."""
        try:
            self._store.save_turn(turn)
        except ConsiliumError as error:
            turn.status, turn.error = TurnStatus.FAILED, str(error)

    def _sentence(self, error: Exception) -> str:
        """What the user reads of an unforeseen error: the backend's explanation, or its kind alone."""
        if self._backend and (explained := self._backend.explain(error)):
            return explained
        # The text of an error may quote the message: it is for debugging only.
        _log.error("turn failed: %s", type(error).__name__)
        _log.debug("turn failed", exc_info=error)
        return (
            f"Something went wrong inside Consilium ({type(error).__name__}); your message is kept."
        )

    def _events(
        self, backend: Backend, conversation: Conversation, turn: Turn, stop: threading.Event
    ) -> Iterator[TurnEvent]:
        messages = [*history(conversation.turns), human_message(turn.user, turn.attachments)]
        context = ToolContext(
            attachments={a.id: a.path for a in conversation.attachments},
            artifact_dir=self._store.folders.artifacts(conversation.id),
        )
        specs = list(TOOLS.values()) if self._specs is None else self._specs
        agent = make_agent(backend.chat_model(stop), specs, context, stated_in(messages), stop)
        record = _Record(turn, messages, specs, by_line=not backend.mixes_lines)
        stream = agent.stream({"messages": messages}, stream_mode=["messages", "updates"])
        try:
            for mode, event in _until(stop, stream):
                if mode == "updates":
                    for message in _messages(event):
                        yield from record.message(message)
                elif isinstance(event[0], AIMessageChunk) and record.piece(event[0].text):
                    yield AnswerText(text=record.shown)
        except Exception:  # what was said and found so far stands beside the error
            record.finish(cut=True)
            raise
        record.finish(cut=stop.is_set())
        turn.answer = turn.answer or (_STOPPED if stop.is_set() else _NO_ANSWER)
        yield AnswerText(text=turn.answer)


def _until(stop: threading.Event, stream: Iterator[Any]) -> Iterator[Any]:
    """Events of a stream that a thread reads, so that Stop waits neither for a server nor for a prefill."""
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def read() -> None:
        try:
            # An exported LANGSMITH_TRACING would have LangChain send the whole chat elsewhere.
            with tracing_context(enabled=False):
                for event in stream:
                    events.put(event)
                    if stop.is_set():
                        return
            events.put(None)
        except Exception as error:
            events.put(error)
        # A panic of Rust code is no Exception, and may not hang the turn.
        except BaseException as error:
            events.put(RuntimeError(f"{type(error).__name__} in the agent"))

    threading.Thread(target=read, daemon=True, name="agent").start()
    while not stop.is_set():
        with suppress(queue.Empty):
            event = events.get(timeout=0.1)
            if event is None:
                return
            if isinstance(event, Exception):
                raise event
            yield event


def _messages(update: dict[str, Any]) -> Iterator[BaseMessage]:
    for node in update.values():
        yield from (node or {}).get("messages", [])


class _Record:
    """Puts on a turn what the agent does; shows of the answer only what the number check lets through."""

    def __init__(
        self,
        turn: Turn,
        messages: Sequence[BaseMessage],
        specs: Sequence[ToolSpec],
        *,
        by_line: bool,
    ) -> None:
        self._turn = turn
        self._specs = {spec.name: spec for spec in specs}
        self._said = [m.additional_kwargs["text"] for m in messages if isinstance(m, HumanMessage)]
        self._by_line = by_line
        self._results: list[str] = []
        self._allowed = grounds((), self._said)
        self._lines: Lines | None = None
        for message in messages:  # an answer to new calls keeps to their results: see `_lines`
            if isinstance(message, ToolMessage):
                self._allowed |= grounds([str(message.content)])
        self._text = ""
        self._too_long = self._calls_cut = False
        self._began: dict[str, float] = {}
        self.shown = ""

    def _take(self, message: ToolMessage) -> None:
        self._results += str(message.content).splitlines()
        self._allowed |= grounds(self._results)
        if self._by_line:
            self._lines = Lines.of(self._results, self._said)

    def _check(self, text: str) -> Checked:
        return check(text, self._allowed, self._lines if self._turn.calls else None)

    def piece(self, text: str) -> bool:
        """Take in a piece of the answer; True if there is more to show, which goes by whole words."""
        self._text += text
        shown = self._check(self._whole_words()).text
        changed, self.shown = shown != self.shown, shown
        return changed

    def message(self, message: BaseMessage) -> Iterator[TurnEvent]:
        """Take in a whole message: the model's decision and calls, or a tool's result."""
        if isinstance(message, AIMessage):
            self._decision(message)
            for tool_call in message.tool_calls:
                call = Call(
                    id=str(tool_call["id"]), name=tool_call["name"], arguments=tool_call["args"]
                )
                self._turn.calls.append(call)
                self._began[call.id] = time.perf_counter()
                yield CallStarted(call=call)
        elif isinstance(message, ToolMessage):
            call = next(
                c for c in self._turn.calls if c.id == message.tool_call_id and c.result is None
            )
            call.result = result_of(message)
            now = time.perf_counter()
            call.seconds = now - self._began[call.id]
            self._turn.timings["tools"] = now - min(self._began.values())
            self._take(message)
            self._text = ""  # what was said before the result was not the answer
            yield CallFinished(call=call)

    def _decision(self, message: AIMessage) -> None:
        metadata = message.response_metadata
        calls_cut = metadata.get("calls_cut", False)
        self._calls_cut |= calls_cut
        self._too_long = metadata.get("finish_reason") == "length" and not calls_cut
        decision = metadata.get("decision", "call" if message.tool_calls else "answer")
        self._turn.decision = self._turn.decision or decision
        self._turn.incomplete += [
            Call(id=f"asked-{uuid4().hex[:8]}", **call) for call in metadata.get("incomplete", ())
        ]
        for phase in ("prefill", "decode"):
            seconds = metadata.get("usage", {}).get(f"{phase}_seconds", 0.0)
            self._turn.timings[phase] = self._turn.timings.get(phase, 0.0) + seconds

    def _whole_words(self) -> str:
        return self._text[: max(self._text.rfind(" "), self._text.rfind("\n"), 0)]

    def _whole_sentences(self) -> str:
        return self._text[: max((end.end() for end in _END.finditer(self._text)), default=0)]

    def finish(self, *, cut: bool) -> None:
        """Check the whole answer; where a sentence had to go, the results speak for themselves.

        So does a result that the answer passes over, and whatever failed. What a call lacked is asked at the end. Of
        an answer that was stopped the last word is left out: half of 142 is another number; of one that grew too
        long, the last sentence. Where a list of calls was cut, the user is told.
        """
        turn = self._turn
        too_long = self._too_long and not cut
        text = self._whole_words() if cut else self._whole_sentences() if too_long else self._text
        if turn.incomplete and not turn.calls:  # the house's own question: nothing to check
            turn.answer = f"{text} {_CALLS_CUT * self._calls_cut}".strip()
            return
        turn.answer, turn.removed = self._check(text)
        results = [call.result for call in turn.calls if call.result]
        if turn.answer and not turn.removed:
            results = [r for r in results if _passed_over(turn.answer, r)]
        unsaid = dict.fromkeys(r.summary for r in results if not _says(turn.answer, r.summary))
        asked = question((self._specs[c.name], c.arguments) for c in turn.incomplete)
        lost = _CALLS_CUT * self._calls_cut
        parts = [turn.answer, _TOO_LONG * too_long, *unsaid, asked, lost]
        turn.answer = " ".join(part for part in parts if part)


def _passed_over(answer: str, result: ToolResult) -> bool:
    """Whether the house must tell of a result: of every failure, and of findings that the answer does not report."""
    if result.status != "ok":
        return True
    return bool(result.findings) and not reports(answer, result.summary)


def _says(answer: str, sentence: str) -> bool:
    """Whether an answer holds a sentence, in whatever case and spacing."""
    said, wanted = (" ".join(text.lower().split()) for text in (answer, sentence))
    return wanted.rstrip(".!") in said
