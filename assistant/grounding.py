"""The number check: what an answer may say is what the results and the user said.

Strict on purpose: a sentence with a number (in digits or as a word) that stands in no result and in no message of
the user is taken out whole. The check reads text, whoever wrote it; it does not know which number is the right one.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from consilium.assistant.llm.stated import numbers, written

_SENTENCE = re.compile(r".+?(?:[.!?]+(?=\s)|\n+|$)\s*", re.DOTALL)

_ATTACHMENT_ID = re.compile(r"\bscan-\d+\b")


class Checked(NamedTuple):
    """A text without its ungrounded sentences, and those sentences."""

    text: str
    removed: list[str]


def grounds(texts: Iterable[str]) -> set[Decimal]:
    """Every number that the given texts (results as rendered, user's messages) state."""
    return {number for text in texts for number in numbers(text)}


def check(
    text: str, allowed: Collection[Decimal], lines: Sequence[Collection[Decimal]] = ()
) -> Checked:
    """Keep the sentences whose numbers are all among `allowed`.

    Parameters
    ----------
    lines : where given, the numbers of a sentence must also stand together in one of these sets: a small model
        makes false sentences of true numbers.
    """
    kept, removed = [], []
    for match in _SENTENCE.finditer(text):
        sentence = match.group()
        said = list(written(_ATTACHMENT_ID.sub("", sentence)))
        together = not lines or not said or any(_all_in(said, line) for line in lines)
        if _all_in(said, allowed) and together:
            kept.append(sentence)
        else:
            removed.append(sentence.strip())
    return Checked("".join(kept).strip(), removed)


def _all_in(said: Iterable[Collection[Decimal]], allowed: Collection[Decimal]) -> bool:
    return all(any(value in allowed for value in readings) for readings in said)


def reports(answer: str, summary: str) -> bool:
    """Whether an answer says anything measured of a result: one of the numbers of its summary, if it has any."""
    measured = numbers(summary)
    return not measured or bool(measured & numbers(answer))
