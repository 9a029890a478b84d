"""Numbers in the words of languages other than English: "dreißig", "cento e quarenta e dois", "fünf Komma acht"."""

import re
from collections.abc import Iterator
from decimal import Decimal

from num2words import num2words

_LANGUAGES = ("de", "fr", "es", "it", "pt", "pt_BR", "nl")
_HIGHEST = 400  # ages, pressures, lipids and weights are below
_POINTS = {"komma", "virgule", "coma", "punto", "virgola", "v\u00edrgula", "ponto", "point"}
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_DUE_TO = re.compile(r"\bdue to\b")  # is no Italian two
_LONGEST = 5  # words of one number: "trezentos e noventa e nove"


def _spellings(value: int, language: str) -> Iterator[str]:
    word = num2words(value, lang=language)
    yield word
    if language == "de":
        yield word.replace("\u00df", "ss")
        yield word.removeprefix("ein") if value >= 100 else word  # "hundertvierzig"


_VALUES = {
    spelling: value
    for language in _LANGUAGES
    for value in range(_HIGHEST)
    for spelling in _spellings(value, language)
} | dict.fromkeys(("dutzend", "douzaine", "docena", "dozzina", "d\u00fazia", "dozijn"), 12)


def spelled(text: str) -> set[Decimal]:
    """Every number from 0 to 399, whole or with decimals, that a run of words of `text` spells."""
    words = _WORD.findall(_DUE_TO.sub(" ", text.lower()))
    found: set[Decimal] = set()
    at = 0
    while at < len(words):
        end = _end(words, at)
        whole = _VALUES.get(" ".join(words[at:end]))
        if whole is not None and words[end : end + 1] and words[end] in _POINTS:
            found |= {Decimal(f"{whole}.{digits}") for digits in _decimals(words[end + 1 :])}
        if whole is not None:
            found.add(Decimal(whole))
        at = end
    return found


def _end(words: list[str], start: int) -> int:
    """Where the longest number that begins at `start` ends; one word on if there is none."""
    for end in range(min(start + _LONGEST, len(words)), start, -1):
        if " ".join(words[start:end]) in _VALUES:
            return end
    return start + 1


def _decimals(words: list[str]) -> Iterator[str]:
    """What may stand after the point: "acht", "zwei fünf" (2, 25), "fünfundzwanzig"."""
    digits = ""
    for word in words[:2]:
        if word not in _VALUES:
            return
        digits += str(_VALUES[word])
        yield digits
