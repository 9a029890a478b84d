"""What the page does with a message, without a browser."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest

from consilium.assistant.domain import TurnEvent
from consilium.assistant.page.handlers import Handlers
from consilium.assistant.page.layout import Parts, lay_out
from consilium.assistant.settings import Settings
from consilium.assistant.store import Store


class Unasked:
    """A chair that must not be asked."""

    def respond(self, *_: object) -> Iterator[TurnEvent]:
        raise AssertionError("a turn was begun")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(Settings(home=tmp_path).database_url, tmp_path)
    yield store
    store.close()


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    with gr.Blocks(analytics_enabled=False):
        return lay_out(Settings(home=tmp_path))


def test_a_message_to_a_deleted_conversation_stays_in_the_box(
    store: Store, parts: Parts, tmp_path: Path
) -> None:
    handlers = Handlers(parts, Unasked(), store, tmp_path)
    gone = store.create_conversation().id
    store.delete(gone)
    with pytest.warns(UserWarning, match="deleted in another window. Your message is still"):
        sent = handlers.send({"text": "a long question", "files": []}, gone)
    assert parts.box not in sent
    (shown,) = list(handlers.show(gone))[:1]
    assert "value" not in shown[parts.box]
    assert shown[parts.current] == ""  # sent again, it begins a new conversation
