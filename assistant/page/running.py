"""Turns in the making. A turn belongs to the house, not to a browser window: it goes on when the window is closed,
any number of windows can watch it, and each of them can stop it.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from consilium.assistant.domain import (
    AnswerText,
    CallFinished,
    CallStarted,
    ConsiliumError,
    Turn,
    TurnEvent,
    TurnFinished,
)

logger = logging.getLogger(__name__)

UNEXPECTED = "Something went wrong inside Consilium; nothing said so far is lost. Please try again."


class Responder(Protocol):
    """What runs a turn; see `consilium.assistant.chair.Chair`."""

    def respond(
        self,
        conversation_id: str,
        text: str,
        uploads: Sequence[Path],
        stop: threading.Event | None = None,
    ) -> Iterator[TurnEvent]:
        """Run one turn and tell of it."""
        ...


class RunningTurn:
    """One turn as far as it has come.

    `accepted` is set once message and films are stored, `refusal` if the turn broke off with a sentence; a refusal
    that was not accepted means that nothing was stored.
    """

    def __init__(self, text: str, uploads: Sequence[Path]) -> None:
        self.text = text
        self.uploads = uploads
        self.turn = Turn(id="", user=text, created_at=datetime.now(UTC))
        self.accepted = False
        self.refusal = ""
        self.stopping = threading.Event()
        self._changed = threading.Condition()
        self._version = 0
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self._ended

    def stop(self, wait_seconds: float = 0) -> bool:
        """Ask the turn to end; returns whether it has, after waiting at most `wait_seconds`."""
        self.stopping.set()
        with self._changed:
            return self._changed.wait_for(lambda: self._ended, wait_seconds)

    def states(self, pace: float = 0.1, heartbeat: float = 0.5) -> Iterator[Turn]:
        """The turn now, again when it has changed, and at its end.

        Parameters
        ----------
        pace : least seconds between two states; a browser that is sent more falls behind, and Stop with it.
        heartbeat : most seconds between two states.
        """
        seen = -1
        while True:
            with self._changed:
                self._changed.wait_for(lambda known=seen: self._version != known, heartbeat)  # type: ignore[misc]
                seen, ended, turn = self._version, self._ended, self.turn
            yield turn
            if ended:
                return
            with self._changed:
                self._changed.wait_for(lambda: self._ended, pace)

    def apply(self, event: TurnEvent) -> None:
        """Take in what happened."""
        self._update(_applied(self.turn, event), self.refusal)

    def end(self, refusal: str = "") -> None:
        """Nothing more will happen."""
        self._update(self.turn, refusal, ended=True)

    def _update(self, turn: Turn, refusal: str, ended: bool = False) -> None:
        with self._changed:
            self.turn, self.refusal, self._ended = turn, refusal, ended
            self._version += 1
            self._changed.notify_all()


class RunningTurns:
    """All turns in the making, at most one per conversation."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._lock = threading.Lock()
        self._turns: dict[str, RunningTurn] = {}

    def get(self, conversation_id: str) -> RunningTurn | None:
        """The turn this conversation is in, or the one that was refused and not yet shown to anyone."""
        with self._lock:
            return self._turns.get(conversation_id)

    def forget(self, conversation_id: str, running: RunningTurn) -> None:
        """Let go of a refused turn, once somebody has seen why."""
        with self._lock:
            if running.ended and self._turns.get(conversation_id) is running:
                del self._turns[conversation_id]

    def start(
        self,
        conversation_id: str,
        text: str,
        uploads: Sequence[Path],
        accepted: Callable[[], None],
    ) -> RunningTurn:
        """Begin a turn in a thread of its own; `accepted` is called once message and films are stored.

        Raises
        ------
        ConsiliumError
            If the conversation is in a turn already.
        """
        running = RunningTurn(text, uploads)
        with self._lock:
            known = self._turns.get(conversation_id)
            if known is not None and not known.ended:
                raise ConsiliumError(
                    "Consilium is still answering the message before: wait for it, or press Stop."
                )
            self._turns[conversation_id] = running

        threading.Thread(
            target=self._run,
            args=(running, conversation_id, accepted),
            name="turn",
            daemon=True,
        ).start()
        return running

    def _run(
        self, running: RunningTurn, conversation_id: str, accepted: Callable[[], None]
    ) -> None:
        refusal = ""
        events = self._responder.respond(
            conversation_id, running.text, running.uploads, running.stopping
        )
        try:
            for event in events:
                if not running.accepted:
                    running.accepted = True
                    accepted()
                running.apply(event)
        except ConsiliumError as error:
            refusal = str(error)
        except Exception as error:
            # The message may quote what the user wrote, so only the kind of error goes to the log.
            logger.error("a turn broke: %s", type(error).__name__)
            refusal = UNEXPECTED
        finally:
            running.end(refusal)
            if not refusal:
                self.forget(conversation_id, running)


def _applied(turn: Turn, event: TurnEvent) -> Turn:
    match event:
        case CallStarted(call=call):
            return turn.model_copy(update={"calls": [*turn.calls, call]})
        case CallFinished(call=call):
            calls = [call if known.id == call.id else known for known in turn.calls]
            return turn.model_copy(update={"calls": calls})
        case AnswerText(text=text):
            return turn.model_copy(update={"answer": text})
        case TurnFinished(turn=finished):
            return finished
