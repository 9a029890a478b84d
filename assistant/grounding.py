"""The number check: what an answer may say is what the results and the user said.

Strict on purpose: a sentence with a number (in digits or as a word) that stands in no result and in no message of
the user is taken out whole. The check reads text, whoever wrote it; it does not know which number is the right one.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from consilium.assistant.llm.stated import grounds, written

# Marks that end a sentence, but for the stop of an abbreviation: a number may follow that one, and goes with it.
_ABBREVIATIONS = r"approx prob vs e\.g i\.e Dr vol ca resp max min incl".split()
MARKS = "".join(rf"(?<!\b(?i:{short}))" for short in _ABBREVIATIONS) + r"[.!?]+"
_SENTENCE = re.compile(rf".+?(?:{MARKS}(?=\s)|\n+|$)\s*", re.DOTALL)

_ENDS = tuple(".!?")
_WORD = re.compile(r"[a-z]{4,}")
# "2nd", and what a model makes of a number that it may not say: "24.oos".
_GLUED = re.compile(r"(?<![\w.,])\d[\d.,]*[^\W\d]\w*")
_FAMILIAR = 0.6  # of the words of a sentence
_SMALL = 12

_ATTACHMENT_ID = re.compile(r"\bscan-\d+\b")


class Checked(NamedTuple):
    """A text without its ungrounded sentences, and those sentences."""

    text: str
    removed: list[str]


class Lines(NamedTuple):
    """What a small model may say: it makes false sentences of true numbers, empty ones of none, and breaks off.

    Its sentences must end as sentences do, with every bracket closed, and none of their numbers may run into letters
    but as a line has it.

    Parameters
    ----------
    numbers : the numbers that stand together in a line; those of a sentence must be among one of these sets.
    words : of all lines; a sentence without numbers must mostly be made of them.
    glued : numbers that run into letters in the lines.
    """

    numbers: list[set[Decimal]]
    words: set[str]
    glued: set[str]

    @classmethod
    def of(cls, lines: Sequence[str], said: Sequence[str]) -> "Lines":
        """Of the lines of results; what the user said may stand beside any of them."""
        known = grounds((), said)
        text = "\n".join([*lines, *said]).lower()
        return cls(
            [known, *(grounds([line]) | known for line in lines)],
            set(_WORD.findall(text)),
            set(_GLUED.findall(text)),
        )


def check(text: str, allowed: Collection[Decimal], lines: Lines | None = None) -> Checked:
    """Keep the sentences whose numbers are all among `allowed`, and within `lines` where they are given."""
    kept, removed = [], []
    for match in _SENTENCE.finditer(text):
        sentence = match.group()
        said = list(written(_ATTACHMENT_ID.sub("", sentence)))
        if _all_in(said, allowed) and (lines is None or _within(sentence, said, lines)):
            kept.append(sentence)
        else:
            removed.append(sentence.strip())
    return Checked("".join(kept).strip(), removed)


def _within(sentence: str, said: Sequence[Collection[Decimal]], lines: Lines) -> bool:
    whole = sentence.rstrip()[-1:] in _ENDS and sentence.count("(") == sentence.count(")")
    if not whole or set(_GLUED.findall(sentence.lower())) - lines.glued:
        return False
    if said:
        return any(_all_in(said, line) for line in lines.numbers)
    own = _WORD.findall(sentence.lower())
    return sum(word in lines.words for word in own) >= _FAMILIAR * len(own)


def _all_in(said: Iterable[Collection[Decimal]], allowed: Collection[Decimal]) -> bool:
    return all(any(value in allowed for value in readings) for readings in said)


def reports(answer: str, summary: str) -> bool:
    """Whether an answer says anything measured of a result: one of the numbers of its summary, if it has any.

    A small whole number tells nothing where there are others.
    """
    measured = grounds([summary])
    telling = {n for n in measured if n > _SMALL or n != n.to_integral_value()} or measured
    return not telling or bool(telling & grounds([answer]))
