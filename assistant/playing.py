"""Plays messages through real turns in a throw-away data folder, for the evaluation scripts."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from consilium.assistant.chair import Chair
from consilium.assistant.domain import ConsiliumError, ModelInfo, Turn, TurnFinished
from consilium.assistant.llm.backend import Backend, load_backend
from consilium.assistant.settings import Settings
from consilium.assistant.store import Store
from consilium.tools.contract import ToolSpec
from consilium.tools.registry import TOOLS


class Player:
    """A chair over an empty store; use it as a context manager.

    Parameters
    ----------
    film : stands for every attachment.
    specs : the tools, in the order the language model reads them.
    load : loads the language model for these tools; default: as a chat would.
    """

    def __init__(
        self,
        settings: Settings,
        film: Path,
        specs: Sequence[ToolSpec] = tuple(TOOLS.values()),
        load: Callable[[Settings, Sequence[ToolSpec]], Backend] = load_backend,
    ) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="consilium-play-")
        home = Path(self._scratch.name)
        url = f"sqlite:///{home / 'play.sqlite'}"
        self._film = film
        self._store = Store(url, home)
        apart = settings.model_copy(update={"home": home, "database_url": url})
        self._chair = Chair(apart, self._store, lambda: load(settings, specs), specs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._store.close()
        self._scratch.cleanup()

    @property
    def model(self) -> ModelInfo:
        """The language model that plays."""
        return self._chair.load_model().info

    def play(self, messages: Sequence[str], attachments: int) -> list[Turn]:
        """The turns of one conversation; all attachments come with its first message."""
        conversation = self._store.create_conversation()
        turns = []
        for index, message in enumerate(messages):
            uploads = [self._film] * attachments if index == 0 else []
            turns.append(self._turn(conversation.id, message, uploads))
        return turns

    def _turn(self, conversation_id: str, message: str, uploads: Sequence[Path]) -> Turn:
        for event in self._chair.respond(conversation_id, message, uploads):
            if isinstance(event, TurnFinished):
                return event.turn  # one that failed says so in its status, and is graded so
        raise ConsiliumError("A turn ended without an end.")
