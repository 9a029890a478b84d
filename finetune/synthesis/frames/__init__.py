"""Chats written out by hand, one JSON object a line in the files beside this one; a program fills their slots.

The other scenes put messages together from parts; a frame is a whole message, or several, as one person typed it, with
the right calls. `{sbp}` stands for a drawn value, `{sbp_2}` for another one, `{age:words}` for it in words (also
`:de` and other languages, `:comma`, `:ordinal`), `[no|without]` for either wording. In an argument the slot alone is
the value as a number.
`python -m consilium.finetune.synthesis.frames FILE` checks frames.
"""

import re
from collections.abc import Callable, Set
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from pydantic import BaseModel, ConfigDict

from consilium.assistant.domain import ConsiliumError
from consilium.finetune.lines import read_lines
from consilium.finetune.synthesis import cases, replies, risk, scenes
from consilium.finetune.synthesis.chemistry import DRUGS, sample_smiles
from consilium.finetune.synthesis.example import Call, Turn
from consilium.finetune.synthesis.numerals import ORDINALS, in_words
from consilium.finetune.synthesis.request import Request
from consilium.finetune.synthesis.voices import HELD_BACK_ONE_IN, Split, Writer, bare, guard

SLOT = re.compile(r"\{([a-z]+\d?)(?:_(\d))?(?::(\w+))?\}")
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")


class FrameTurn(BaseModel):
    """A message, the ids attached with it, and its calls; without any, `kind` says what the answer is about."""

    model_config = ConfigDict(extra="forbid")

    user: str
    attachments: list[str] = []
    calls: list[Call]
    kind: str = ""


class Frame(BaseModel):
    """A chat."""

    model_config = ConfigDict(extra="forbid")

    turns: list[FrameTurn]

    def fill(self, writer: Writer) -> list[Turn]:
        """The chat with values drawn, typed by `writer`."""
        values = _Values(writer)
        said = [_filled(writer, values, turn) for turn in self.turns]
        # What any call of the chat quotes is typed letter by letter, in earlier messages too.
        given = [v for _, calls in said for c in calls for v in c.arguments.values()]
        quoted = {word for word in given if isinstance(word, str)}
        return [
            _turn(writer, turn, text, calls, quoted)
            for turn, (text, calls) in zip(self.turns, said, strict=True)
        ]


@cache
def frames(split: Split) -> tuple[Frame, ...]:
    """All frames that this split uses; one in eight is held back from training."""
    files = sorted(Path(__file__).parent.glob("*.jsonl"))
    everything = [frame for file in files for _, frame in read_lines(file, Frame)]
    return tuple(f for f in everything if _held_back(f) is (split == "heldout"))


def _held_back(frame: Frame) -> bool:
    return crc32(frame.turns[0].user.encode()) % HELD_BACK_ONE_IN == 0


def _filled(writer: Writer, values: "_Values", turn: FrameTurn) -> tuple[str, tuple[Call, ...]]:
    user = turn.user
    while match := _CHOICE.search(user):
        user = user[: match.start()] + writer.choice(match[1].split("|")) + user[match.end() :]
    user = SLOT.sub(values.text, user)
    return user, tuple(
        Call(name=c.name, arguments={n: values.argument(v) for n, v in c.arguments.items()})
        for c in turn.calls
    )


def _turn(
    writer: Writer, turn: FrameTurn, user: str, calls: tuple[Call, ...], quoted: Set[str]
) -> Turn:
    if quoted:  # the longest first: a drug's name may stand within a case
        longest = sorted(quoted, key=len, reverse=True)
        user = re.sub("|".join(map(re.escape, longest)), lambda m: guard(m[0]), user)
    user, films = writer.retype(user), list(turn.attachments)
    if turn.kind:
        return Turn(user=user, attachments=films, reply=replies.in_words(writer, turn.kind))
    return scenes.behaviour(writer, user, Request(user, calls), films)


class _Values:
    """What the slots of one chat hold; each is drawn once."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._drawn: dict[tuple[str, str], Any] = {}
        self._patients: dict[str, risk.Patient] = {}

    def text(self, slot: re.Match[str]) -> str:
        """A slot as it stands in a message."""
        value = self._value(slot[1], slot[2] or "")
        match slot[3]:
            case None:
                return str(value)
            case "words":
                return in_words(value)
            case "ordinal":
                return ORDINALS[value - 1] if value <= len(ORDINALS) else f"{value}th"
            case "comma":
                return str(value).replace(".", ",")
            case "de" | "es" | "fr" | "it" | "nl" | "pt":
                return in_words(value, slot[3])
        raise ConsiliumError(
            f"There is no form {slot[3]} for {slot[0]}: words, ordinal, comma, de, es, fr, it, nl or pt."
        )

    def argument(self, given: Any) -> Any:
        """An argument of a call with its slots filled."""
        if isinstance(given, list):
            return [self.argument(item) for item in given]
        if not isinstance(given, str):
            return given
        alone = SLOT.fullmatch(given)
        return self._value(alone[1], alone[2] or "") if alone else SLOT.sub(self.text, given)

    def _value(self, name: str, which: str) -> Any:
        key = (name, which)
        while key not in self._drawn:
            value = self._draw(name, which)
            others = [v for (n, w), v in self._drawn.items() if n == name and w != which]
            if value not in others:
                self._drawn[key] = value
            else:
                self._patients.pop(which, None)
        return self._drawn[key]

    def _draw(self, name: str, which: str) -> Any:
        if re.fullmatch(r"[vw][1-7]", name):
            return self._volume(name[0], int(name[1]), which)
        if name in _OF_PATIENT:
            if which not in self._patients:
                self._patients[which] = risk.sample_patient(self._writer, mmol=False)
            return _OF_PATIENT[name](self._writer, self._patients[which])
        if name not in _FREE:
            raise ConsiliumError(f"There is no slot {{{name}}}.")
        return _FREE[name](self._writer)

    def _volume(self, series: str, visit: int, which: str) -> float:
        rng = self._writer.rng
        if visit == 1:
            return round(min(max(rng.lognormvariate(2.4, 0.9), 0.6), 400), 1)
        before: float = self._value(f"{series}{visit - 1}", which)
        return round(max(before * rng.gauss(1.04, 0.14), 0.3) + 0.1, 1)


def _up_to(writer: Writer, least: int, most: int, limit: int) -> int:
    """A count; now and then more than the `limit` of the contract, which the call must say, too: it is refused."""
    if writer.chance(0.08):
        return writer.rng.randint(limit + 1, 4 * limit)
    return writer.rng.randint(least, most)


def _mmol(cholesterol: float, digits: int) -> float:
    """Cholesterol in mg/dL as mmol/L (38.67 mg/dL are 1 mmol/L)."""
    return round(cholesterol / 38.67, digits)


_OF_PATIENT: dict[str, Callable[[Writer, risk.Patient], Any]] = {
    "age": lambda _, p: min(max(p.age, 30), 85),
    "tc": lambda _, p: p.total_cholesterol,
    "hdl": lambda _, p: p.hdl_cholesterol,
    "tcm": lambda w, p: _mmol(p.total_cholesterol, w.choice((1, 1, 2))),
    "hdlm": lambda w, p: _mmol(p.hdl_cholesterol, w.choice((1, 2))),
    "sbp": lambda _, p: p.systolic_bp,
    "dbp": lambda w, p: min(round(p.systolic_bp * w.rng.uniform(0.5, 0.68)), 118),
}
_FREE: dict[str, Callable[[Writer], Any]] = {
    "ldl": lambda w: w.rng.randint(70, 210),
    "tg": lambda w: w.rng.randint(60, 380),
    "ldlm": lambda w: round(w.rng.uniform(1.6, 5.4), 1),
    "tgm": lambda w: round(w.rng.uniform(0.6, 4.2), 1),
    "egfr": lambda w: w.rng.randint(28, 112),
    "bmi": lambda w: round(min(max(w.rng.gauss(28.5, 4.5), 17), 48), 1),
    "hr": lambda w: w.rng.randint(52, 118),
    "a1c": lambda w: round(w.rng.uniform(4.9, 9.8), 1),
    "crea": lambda w: round(w.rng.uniform(0.6, 1.9), 1),
    "kg": lambda w: w.rng.randint(46, 128),
    "cm": lambda w: w.rng.randint(146, 199),
    "n": lambda w: w.rng.randint(2, 40),
    "year": lambda w: w.rng.randint(1985, 2023),
    "packs": lambda w: w.rng.randint(5, 60),
    "day": lambda w: f"{w.rng.randint(1, 28):02d}.{w.rng.randint(1, 12):02d}.",
    "h": lambda w: _up_to(w, 2, 6, limit=6),
    "k": lambda w: _up_to(w, 2, 20, limit=20),
    "count": lambda w: _up_to(w, 2, 50, limit=50),
    "qed": lambda w: w.choice((0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)),
    "logp": lambda w: w.choice((1, 1.5, 2, 2.2, 2.5, 2.8, 3, 3.2, 3.5, 4, 4.5, 5)),
    "mw": lambda w: w.choice((w.rng.randrange(220, 610, 10), w.rng.randrange(220, 610, 25))),
    "smiles": lambda w: sample_smiles(w.rng),
    "drug": lambda w: w.choice(DRUGS),
    "condition": lambda w: bare(cases.describe(w)),
}
