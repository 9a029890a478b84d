"""What happens when something on the page is used.

All state is in the store, in the turns being made and in the browser (which conversation is open); nothing
here belongs to one user. Every handler returns updates by component.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path
from typing import Any
from uuid import uuid4

import gradio as gr

from consilium.assistant.domain import ConsiliumError, Conversation, Turn, TurnStatus
from consilium.assistant.page.examples import EXAMPLES
from consilium.assistant.page.layout import Parts
from consilium.assistant.page.messages import (
    Messages,
    conversation_messages,
    problem,
    turn_messages,
)
from consilium.assistant.page.running import Responder, RunningTurn, RunningTurns
from consilium.assistant.store import Store

Updates = dict[Any, Any]

STOP_WAIT_SECONDS = 15.0


class Handlers:
    """The handlers of one page.

    Parameters
    ----------
    parts : the components they change.
    responder : runs turns.
    store : where conversations are.
    cache : Gradio's folder for uploads; a file in it is removed once its film is in the store.
    """

    def __init__(self, parts: Parts, responder: Responder, store: Store, cache: Path) -> None:
        self._parts = parts
        self._store = store
        self._cache = cache
        self._running = RunningTurns(responder)

    def ticket(self) -> str:
        """A value that was not there before."""
        return uuid4().hex

    def open(self, chosen: gr.SelectData) -> Updates:
        """Open the chosen conversation."""
        return self._open(str(chosen.value))

    def open_new(self) -> Updates:
        """Open a new chat; it is stored with its first message."""
        return self._open("")

    def send(self, message: dict[str, Any], current: str) -> Updates:
        """Begin a turn with what is in the box; `show` then tells how it goes."""
        return self._begin(message["text"] or "", [Path(f) for f in message["files"]], current)

    def send_example(self, current: str, chosen: gr.SelectData) -> Updates:
        """Begin a turn with an example."""
        example = EXAMPLES[chosen.index]
        return self._begin(example.text, example.uploads, current)

    def show(self, current: str) -> Iterator[Updates]:
        """Show a conversation and, if it is in a turn, follow that to its end."""
        try:
            running = self._running.get(current)
            if not current:
                yield self._new_chat()
            elif running is None:
                yield self._conversation(current)
            else:
                yield from self._follow(current, running)
        except ConsiliumError as error:
            yield self._blank() | self._nothing_open(problem(str(error)))
            with suppress(
                ConsiliumError
            ):  # said above already, where the store itself is out of reach
                yield self._list(None)

    def stop(self, current: str) -> None:
        """End the turn; what it has done so far is stored by the chair."""
        running = self._running.get(current)
        if running is not None:
            running.stop()

    def rename(self, current: str, title: str) -> Updates:
        """Give the open conversation another title."""
        with _refusals_shown():
            self._store.rename(current, title)
            return self._header(self._store.get(current)) | self._list(current)

    def delete(self, current: str) -> Updates:
        """Delete the open conversation, ending its turn first."""
        running = self._running.get(current)
        with _refusals_shown():
            if running is not None and not running.stop(STOP_WAIT_SECONDS):
                raise ConsiliumError(
                    "The conversation is still finishing a step. Please try again in a moment."
                )
            self._store.delete(current)
        return self._open("")

    def export_json(self, current: str) -> Updates:
        """Hand the conversation to the browser as JSON."""
        with _refusals_shown():
            content = json.dumps(self._store.export(current), indent=2, ensure_ascii=False)
        return self._file(current, content, "json", "application/json")

    def export_markdown(self, current: str) -> Updates:
        """Hand the conversation to the browser as Markdown."""
        with _refusals_shown():
            content = self._store.export_markdown(current)
        return self._file(current, content, "md", "text/markdown")

    def _open(self, conversation_id: str) -> Updates:
        return {self._parts.current: conversation_id, self._parts.ticket: self.ticket()}

    def _begin(self, text: str, uploads: Sequence[Path], current: str) -> Updates:
        try:
            if current:
                self._require(current)
            conversation_id = current or self._store.create_conversation().id
            self._running.start(
                conversation_id, text, uploads, accepted=lambda: self._discard(uploads)
            )
        except ConsiliumError as error:
            gr.Warning(escape(str(error)), title="Not sent", duration=8)
            return self._open(current)
        box = gr.update(value=None, submit_btn=False, stop_btn=True)
        return self._open(conversation_id) | {self._parts.box: box}

    def _require(self, conversation_id: str) -> None:
        """Refuse a message to a conversation that is gone while it is still in the box."""
        if all(known.id != conversation_id for known in self._store.list_conversations()):
            raise ConsiliumError(
                "This conversation was deleted in another window. Your message is still in the box: "
                "send it again to begin a new conversation with it."
            )

    def _follow(self, conversation_id: str, running: RunningTurn) -> Iterator[Updates]:
        conversation = self._store.get(conversation_id)
        earlier = [turn for turn in conversation.turns if turn.status is not TurnStatus.RUNNING]
        messages = conversation_messages(conversation.model_copy(update={"turns": earlier}))
        frame = self._header(conversation) | self._list(conversation_id) | self._box(busy=True)
        stored: Turn | None = None
        for turn in running.states():
            if stored is None:
                conversation = self._store.get(conversation_id)
                stored = next(
                    (t for t in conversation.turns if t.status is TurnStatus.RUNNING), None
                )
                frame |= self._header(conversation) | self._list(conversation_id)
            films = stored.attachments if stored else []
            shown = turn.model_copy(update={"attachments": turn.attachments or films})
            yield frame | {self._parts.chat: messages + turn_messages(shown, conversation)}
            frame = {}
        if running.refusal:
            yield self._refused(conversation_id, running)
        else:
            yield self._conversation(conversation_id)

    def _refused(self, conversation_id: str, running: RunningTurn) -> Updates:
        """Tell why; give the message back if nothing of it was stored."""
        self._running.forget(conversation_id, running)
        conversation = self._store.get(conversation_id)
        if running.accepted:
            return self._conversation(conversation_id, problem(running.refusal))
        if not conversation.turns:
            self._store.delete(conversation_id)
            updates = self._new_chat() | self._nothing_open(problem(running.refusal))
        else:
            updates = self._conversation(conversation_id, problem(running.refusal))
        message = {"text": running.text, "files": [str(path) for path in running.uploads]}
        return updates | {
            self._parts.box: gr.update(value=message, submit_btn=True, stop_btn=False)
        }

    def _conversation(self, conversation_id: str, *more: gr.ChatMessage) -> Updates:
        conversation = self._store.get(conversation_id)
        messages: Messages = [*conversation_messages(conversation), *more]
        return (
            {self._parts.chat: messages}
            | self._header(conversation)
            | self._list(conversation_id)
            | self._box(busy=False)
        )

    def _new_chat(self) -> Updates:
        return self._blank() | self._list(None)

    def _blank(self) -> Updates:
        parts = self._parts
        return {
            parts.chat: [],
            parts.header: gr.update(visible=False),
            parts.rename_row: gr.update(visible=False),
            parts.delete_row: gr.update(visible=False),
        } | self._box(busy=False)

    def _nothing_open(self, message: gr.ChatMessage) -> Updates:
        """Leave a conversation that is not there; elsewhere `current` is set before anything is shown."""
        return {self._parts.current: "", self._parts.chat: [message]}

    def _header(self, conversation: Conversation) -> Updates:
        parts = self._parts
        return {
            parts.header: gr.update(visible=True),
            parts.title: f"<h2>{escape(conversation.title)}</h2>",
            parts.new_title: conversation.title,
            parts.rename_row: gr.update(visible=False),
            parts.delete_row: gr.update(visible=False),
        }

    def _list(self, selected: str | None) -> Updates:
        choices = [(info.title, info.id) for info in self._store.list_conversations()]
        return {self._parts.conversations: gr.update(choices=choices, value=selected)}

    def _box(self, busy: bool) -> Updates:
        return {self._parts.box: gr.update(submit_btn=not busy, stop_btn=busy)}

    def _file(self, conversation_id: str, content: str, suffix: str, media_type: str) -> Updates:
        name = f"consilium-{conversation_id[:8]}.{suffix}"
        return {self._parts.download: {"name": name, "type": media_type, "content": content}}

    def _discard(self, uploads: Sequence[Path]) -> None:
        for upload in uploads:
            if upload.is_relative_to(self._cache):
                shutil.rmtree(upload.parent, ignore_errors=True)


@contextmanager
def _refusals_shown() -> Iterator[None]:
    """Show a refusal as a passing message and leave the page as it is."""
    try:
        yield
    except ConsiliumError as error:
        raise gr.Error(
            escape(str(error)), title="Not done", duration=8, print_exception=False
        ) from error
