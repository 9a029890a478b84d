"""A chair that follows a script, so that the page can be tested without a language model."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from consilium.assistant.attachments import AttachmentStore
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
from consilium.assistant.store import Store
from consilium.tools.contract import Artifact, Finding, Source, ToolResult

ANSWER = "The film reads as likely pneumonia, with a probability of 0.87 (0.81 to 0.92)."
GREETING = "Hello. I can read chest films."


class ScriptedChair:
    """Answers by what the message says: "slow" never ends by itself, "refuse" is refused, "break" breaks."""

    def __init__(self, store: Store, home: Path, delay: float = 0.02) -> None:
        self._store = store
        self._attachments = AttachmentStore(home)
        self._delay = delay

    def respond(
        self,
        conversation_id: str,
        text: str,
        uploads: Sequence[Path],
        stop: threading.Event | None = None,
    ) -> Iterator[TurnEvent]:
        stop = stop or threading.Event()
        if not text.strip():
            raise ConsiliumError("The message is empty: type a question.")
        if "refuse" in text:
            raise ConsiliumError("This message is refused: say something else.")
        known = len(self._store.get(conversation_id).attachments)
        films = self._attachments.admit(conversation_id, uploads, known + 1)
        self._store.add_attachments(conversation_id, films)
        turn = self._store.begin_turn(conversation_id, text, [film.id for film in films])
        if "break" in text:
            yield AnswerText(text="I beg")
            raise RuntimeError("a secret")
        for film in films:
            call = Call(id=f"call-{film.id}", name="analyze_scan", arguments={"image": film.id})
            yield CallStarted(call=call)
            time.sleep(10 * self._delay)
            result = self._reading(conversation_id, turn, film.preview, text)
            call = call.model_copy(update={"result": result, "seconds": 1.3})
            turn = turn.model_copy(update={"calls": [*turn.calls, call]})
            yield CallFinished(call=call)
        answer = text if "<" in text else ANSWER if films else GREETING
        words = ["still"] * 3000 if "slow" in text else answer.split(" ")
        said: list[str] = []
        for word in words:
            if stop.is_set():
                break
            said.append(word)
            yield AnswerText(text=" ".join(said))
            time.sleep(self._delay)
        status = TurnStatus.STOPPED if stop.is_set() else TurnStatus.DONE
        turn = turn.model_copy(update={"answer": " ".join(said), "status": status})
        self._store.save_turn(turn)
        yield TurnFinished(turn=turn)

    def _reading(self, conversation_id: str, turn: Turn, film: Path, text: str) -> ToolResult:
        picture = self._store.folders.artifacts(conversation_id) / f"{turn.id}.png"
        with Image.open(film) as opened:
            overlay = opened.convert("L").convert("RGB")
        width, height = overlay.size
        ImageDraw.Draw(overlay, "RGBA").ellipse(
            (width * 0.55, height * 0.45, width * 0.85, height * 0.8), fill=(255, 80, 0, 110)
        )
        overlay.thumbnail((640, 640))
        overlay.save(picture)
        label = text if "<" in text else "pneumonia"
        return ToolResult(
            summary="Pneumonia is likely on this film.",
            findings=[
                Finding(
                    label=label,
                    value=0.87,
                    unit="probability",
                    interval=(0.81, 0.92),
                    level="likely",
                ),
                Finding(label="agreement of the ensemble", value=0.03, unit="standard deviation"),
                Finding(label="view", value="posteroanterior"),
            ],
            assumptions=["The film is a frontal view of one patient."],
            warnings=["Trained on children's films; less certain for adults."],
            sources=[Source(name="Chest film reader", version="0.2", data="Kermany chest X-rays")],
            artifacts=[
                Artifact(id="overlay", kind="image", title="Where the reader looked", path=picture)
            ],
        )
