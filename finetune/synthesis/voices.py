"""How somebody writes: register, habits, typos; and the choice among surface forms.

Text is composed from templates with alternatives, "[please|kindly] run it", into which values are put. A value
that must survive exactly (number, SMILES, drug name, description) is guarded: habits and typos pass it by.

Some forms of every larger pool are held back from training (`split`), so that a held-out set speaks in words
that training never saw.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Literal, TypeVar
from zlib import crc32

from consilium.assistant.llm.stated import numbers
from consilium.finetune.synthesis.numerals import in_words

Register = Literal["terse", "plain", "formal"]
Split = Literal["train", "heldout"]
T = TypeVar("T")

_OPEN, _CLOSE = "\ue000", "\ue001"
_GUARDED = re.compile(f"({_OPEN}[^{_CLOSE}]*{_CLOSE})")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SMALLEST_SHARED_POOL = 5  # smaller pools are not split: both sides need their few forms
HELD_BACK_ONE_IN = 8


def guard(text: str) -> str:
    """Mark `text` as to be kept letter by letter."""
    return f"{_OPEN}{bare(text)}{_CLOSE}"


def bare(text: str) -> str:
    """`text` without the marks of `guard`."""
    return text.replace(_OPEN, "").replace(_CLOSE, "")


class Forms:
    """Surface forms of one thing: those anybody would write and those of one register only."""

    def __init__(
        self,
        *common: str,
        terse: Sequence[str] = (),
        plain: Sequence[str] = (),
        formal: Sequence[str] = (),
    ) -> None:
        pools = {"terse": terse, "plain": plain, "formal": formal}
        everything = [*common, *terse, *plain, *formal]
        split = len(everything) >= _SMALLEST_SHARED_POOL
        held = {f for f in everything if split and crc32(f.encode()) % HELD_BACK_ONE_IN == 0}
        self._choices: dict[tuple[str, str], list[str]] = {}
        for register, own in pools.items():
            mine = [*common, *own]
            kept = [f for f in mine if f not in held] or [f for f in everything if f not in held]
            kept = kept or everything
            self._choices["train", register] = kept
            self._choices["heldout", register] = (
                [f for f in mine if f in held] or [f for f in everything if f in held] or kept
            )

    def choices(self, split: Split, register: Register) -> list[str]:
        """The forms that a writer of this register uses in this split."""
        return self._choices[split, register]


@dataclass(frozen=True)
class Voice:
    """Habits of a kind of writer; the numbers are probabilities per message."""

    name: str
    registers: tuple[Register, ...]
    lower: float = 0.0
    typos: float = 0.0
    unpunctuated: float = 0.0
    dropped_articles: float = 0.0
    shorthand: float = 0.0
    words_for_numbers: float = 0.0
    comma: float = 0.0
    pasted: float = 0.1
    openers: float = 0.3
    closers: float = 0.3


VOICES: tuple[tuple[Voice, float], ...] = (
    (Voice("ward", ("terse",), lower=0.75, typos=0.35, shorthand=0.7, pasted=0.08), 28),
    (
        Voice(
            "letter",
            ("formal",),
            words_for_numbers=0.4,
            comma=0.08,
            openers=0.55,
            closers=0.55,
            pasted=0.04,
        ),
        20,
    ),
    (Voice("colleague", ("plain",), lower=0.15, typos=0.15, words_for_numbers=0.15), 18),
    (
        Voice(
            "non-native",
            ("plain", "formal"),
            typos=0.2,
            dropped_articles=0.6,
            comma=0.4,
            pasted=0.2,
            openers=0.4,
            closers=0.4,
        ),
        14,
    ),
    (
        Voice(
            "dictated",
            ("plain", "formal"),
            lower=0.8,
            unpunctuated=0.9,
            words_for_numbers=0.5,
            pasted=0.0,
        ),
        6,
    ),
    (Voice("record", ("terse", "plain"), lower=0.1, comma=0.15, pasted=0.85, openers=0.1), 8),
    (Voice("student", ("plain", "terse"), lower=0.6, typos=0.35, shorthand=0.3), 6),
)

_SHORTHAND = {
    "please": ("pls", "plz", "please"),
    "patient": ("pt", "patient"),
    "patients": ("pts", "patients"),
    "with": ("w/", "with"),
    "without": ("w/o", "without"),
    "you": ("u", "you"),
    "and": ("&", "and", "+"),
    "thanks": ("thx", "ty", "thanks"),
    "because": ("bc", "because"),
}
_ARTICLE = re.compile(r"(?<=[a-z] )(?:the|a|an) (?=[a-z])")

# Words that decide a call: never misspelt.
_PROTECTED = frozenset(
    """first second third fourth fifth sixth seventh latest newest oldest older newer earlier later last
    never without female woman mother father brother wife husband smoker smokes smoking diabetic diabetes
    chemo chemotherapy radiotherapy chemoradiotherapy radiation radiochemotherapy chemoradiation untreated
    treated statin visit visits former quit stopped other another middle today yesterday
    point komma virgule punto virgola ponto cento ciento""".split()
)
_KEYBOARD = {
    "a": "s",
    "e": "r",
    "i": "o",
    "o": "p",
    "r": "t",
    "t": "y",
    "n": "m",
    "s": "d",
    "l": "k",
    "d": "f",
}
_WORD = re.compile(r"\b[a-z]{5,}\b")


def misspell(word: str, rng: Random) -> str:
    """`word` with one slip of the fingers inside it (its first letter stays)."""
    at = rng.randrange(1, len(word) - 1)
    slip = rng.choice(("swap", "drop", "double", "neighbour"))
    if slip == "swap":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if slip == "drop":
        return word[:at] + word[at + 1 :]
    if slip == "double":
        return word[:at] + word[at] + word[at:]
    return word[:at] + _KEYBOARD.get(word[at], word[at]) + word[at + 1 :]


class Writer:
    """One person throughout one conversation.

    Parameters
    ----------
    rng : the conversation's own random source.
    split : "train" or "heldout", which surface forms this person uses.
    """

    def __init__(self, rng: Random, split: Split = "train") -> None:
        self.rng = rng
        self.split = split
        voices, weights = zip(*VOICES, strict=True)
        self.voice: Voice = rng.choices(voices, weights)[0]
        self.register: Register = rng.choice(self.voice.registers)
        self.lower = self.chance(self.voice.lower)
        self.careless = self.chance(self.voice.typos)
        self.decimal_comma = self.chance(self.voice.comma)
        self.spells_numbers = self.chance(self.voice.words_for_numbers)

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.rng.random() < probability

    def choice(self, items: Sequence[T]) -> T:
        """One of `items`."""
        return self.rng.choice(items)

    def say(self, forms: Forms | str, **values: str) -> str:
        """One of the forms, its alternatives resolved and `values` put in."""
        template = forms
        if isinstance(template, Forms):
            template = self.choice(template.choices(self.split, self.register))
        while match := _CHOICE.search(template):
            chosen = self.choice(match[1].split("|"))
            template = template[: match.start()] + chosen + template[match.end() :]
        return template.format(**values)

    def number(self, value: float) -> str:
        """A measured value in digits, with this writer's decimal sign."""
        text = str(value)
        if isinstance(value, float) and text[-2] == "." and self.chance(0.04):
            text += "0"
        return guard(text.replace(".", ",") if self.decimal_comma else text)

    def integer(self, value: int) -> str:
        """A count or an age: in digits, or in words for those who write so."""
        if self.spells_numbers and self.chance(0.7):
            return guard(in_words(value))
        return guard(str(value))

    def count(self, value: int) -> str:
        """A small count; everybody writes small ones in words now and then."""
        if value <= 12 and self.chance(0.3):
            return guard(in_words(value))
        return self.integer(value)

    def verbatim(self, text: str) -> str:
        """A description that a call will quote: in this writer's case, then kept as it is."""
        return guard(text.lower() if self.lower else text)

    def finish(self, text: str) -> str:
        """The message as this person would have sent it."""
        if not self.lower:
            text = _capitalise(text)
        segments = _GUARDED.split(text)
        shorthand = self.chance(self.voice.shorthand)
        unpunctuated = self.chance(self.voice.unpunctuated)
        articles = self.chance(self.voice.dropped_articles)
        for i in range(0, len(segments), 2):  # odd ones are guarded
            segment = segments[i]
            if self.lower:
                segment = segment.lower()
            if shorthand:
                for longhand, short in _SHORTHAND.items():
                    segment = re.sub(rf"\b{longhand}\b", partial(self._one_of, short), segment)
            if articles:
                segment = _ARTICLE.sub(lambda m: "" if self.chance(0.5) else m[0], segment)
            if unpunctuated:
                segment = re.sub(r"[.,;:](?= )|[.](?=$)", "", segment)
            if self.careless:
                segment = _WORD.sub(self._slip, segment)
            segment = re.sub(r"  +", " ", segment)
            segments[i] = re.sub(r" +([,.;?!])(?=\s|$)", r"\1", segment)
        return bare("".join(segments)).strip()

    def retype(self, text: str) -> str:
        """A message that has its hand already, typed by this person: at most in lower case and with slips."""
        segments = _GUARDED.split(text)
        lower = self.lower and self.chance(0.5)
        for i in range(0, len(segments), 2):  # odd ones are guarded
            segment = segments[i].lower() if lower else segments[i]
            segments[i] = _WORD.sub(self._slip, segment) if self.careless else segment
        return bare("".join(segments)).strip()

    def _one_of(self, forms: Sequence[str], _: re.Match[str]) -> str:
        return self.choice(forms)

    def _slip(self, match: re.Match[str]) -> str:
        if match[0] in _PROTECTED or not self.chance(0.06) or numbers(match[0]):
            return match[0]
        return misspell(match[0], self.rng)


def _capitalise(text: str) -> str:
    return re.sub(
        r"(^|(?<=[.!?]\s)|(?<=\n))([a-z])(?=[a-z'’]* )", lambda m: m[1] + m[2].upper(), text
    )
