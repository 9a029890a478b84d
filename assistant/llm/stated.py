"""Which numbers and words a text states.

One reading of text serves three masters: decoding (a call may only hold numbers that were said), the check of a
decoded call, and the check of every number in an answer. A token can have several readings ("1,500" is 1500 or
1.5; "60 %" is 60 or 0.6; "one forty two" is 142): a number counts as stated if any reading of any token is it.
"""

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
)
_CARDINALS = {word: value for value, word in enumerate(_UNITS)} | {
    word: 10 * value for value, word in enumerate(_TENS, start=2)
}
_COUNTS = {"dozen": 12, "couple": 2, "pair": 2, "both": 2, "single": 1, "a": 1, "an": 1}
# From two on, of German, French, Spanish and Italian; without "due" and "sei", which are other words elsewhere.
_ELSEWHERE = {
    word: value
    for language in (
        "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
        "deux trois quatre cinq six sept huit neuf dix",
        "dos tres cuatro cinco seis siete ocho nueve diez",
        "- tre quattro cinque - sette otto nove dieci",
    )
    for value, word in enumerate(language.split(), start=2)
    if word != "-"
}
_HALF_DOZEN = re.compile(r"\bhalf[\s-](?:a[\s-])?dozen\b", re.IGNORECASE)
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}

_DIGITS = re.compile(
    r"(\d+(?:[.,]\d+)?e[+-]?\d{1,2}\b|\d+(?:[.,]\d+)*|[.,]\d+)(\s*%|\s*percent\b)?", re.IGNORECASE
)
_WORD_RUN = re.compile(
    rf"\b(?:{'|'.join([*_CARDINALS, *_SCALES])})\b"
    rf"(?:(?:[\s-]+|\s+and\s+|\s+point\s+)(?:{'|'.join([*_CARDINALS, *_SCALES])})\b)*",
    re.IGNORECASE | re.ASCII,
)
_OTHERS = {
    **{word: place for place, word in enumerate(_ORDINALS, start=1)},
    **_COUNTS,
    **_ELSEWHERE,
}
_OTHER_WORD = re.compile(rf"\b(?:{'|'.join(_OTHERS)})\b")


def numbers(text: str) -> set[Decimal]:
    """Every number that a reader could take a text to state: digits, number words, ordinals, "a dozen", "drei"."""
    text = _plain(text)
    found = {reading for token in written(text) for reading in token}
    for match in _WORD_RUN.finditer(text):  # dictated without commas: "ten twelve fifteen"
        words_of_run = re.findall(r"[a-z]+", match.group().lower().partition(" point ")[0])
        found.update(Decimal(value) for value in _groups(words_of_run))
    found.update(Decimal(_OTHERS[word]) for word in _OTHER_WORD.findall(text.lower()))
    if _HALF_DOZEN.search(text):
        found.add(Decimal(6))
    return found


def written(text: str) -> Iterator[set[Decimal]]:
    """The readings of each number written in a text, in digits or as cardinal words, in no particular order.

    The word "one" alone is taken for a pronoun and left out.
    """
    text = _plain(text)
    for match in _DIGITS.finditer(text):
        yield from _digit_readings(match.group(1), percent=bool(match.group(2)))
    for match in _WORD_RUN.finditer(text):
        if match.group().lower() != "one":
            yield {_word_reading(match.group().lower())}


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _digit_readings(token: str, *, percent: bool) -> Iterator[set[Decimal]]:
    if "e" in token.lower():  # 1e-5
        yield {Decimal(token.replace(",", "."))}
        return
    parts = re.split(r"[.,]", token)
    if len(parts) <= 2:
        readings = {Decimal(f"{parts[0] or 0}.{parts[1]}" if len(parts) == 2 else parts[0])}
        if len(parts) == 2 and len(parts[1]) == 3 and parts[0].strip("0"):  # 1,500 as thousands
            readings.add(Decimal("".join(parts)))
    elif all(len(part) == 3 for part in parts[1:]):
        readings = {Decimal("".join(parts))}
    else:  # "22,25,30" is a list, "02.01.2024" a date
        for part in parts:
            if part:
                yield {Decimal(part)}
        return
    if percent:  # 60 % is 60 or 0.6, but 0.6 % is never 0.6
        readings = {r for r in readings if r >= 1} | {r / 100 for r in readings}
    yield readings


def _word_reading(run: str) -> Decimal:
    """The one number a run of cardinals makes when read as a whole: "one forty two" is 142."""
    whole, point, digits = run.partition(" point ")
    joined = "".join(str(value) for value in _groups(re.findall(r"[a-z]+", whole)))
    decimals = "".join(str(_CARDINALS.get(word, "")) for word in re.findall(r"[a-z]+", digits))
    return Decimal(f"{joined}.{decimals}" if point and decimals else joined)


def _groups(words: list[str]) -> list[int]:
    """Cardinals that stand side by side: "one hundred and forty two" is [142], "one forty two" is [1, 42]."""
    groups: list[int] = []
    last = 0  # the cardinal that a following "hundred" multiplies
    open_scale = False  # after "hundred" the next cardinal is added, not begun
    for word in words:
        if word in _SCALES:
            groups = groups or [last := 1]
            groups[-1] += last * 99 if word == "hundred" else groups[-1] * (_SCALES[word] - 1)
            open_scale = True
        elif word != "and":
            last = _CARDINALS[word]
            if open_scale or (groups and _takes_unit(groups[-1], last)):
                groups[-1] += last
                open_scale = open_scale and last >= 20  # forty may still take two
            else:
                groups.append(last)
    return groups


def _takes_unit(group: int, value: int) -> bool:
    return group % 100 in range(20, 100, 10) and 0 < value < 10


def words(text: str) -> list[str]:
    """The distinct words of a text as a SMILES or a drug name may be among them, bare of the punctuation around."""
    found: dict[str, None] = {}
    for chunk in text.split():
        bare = chunk.strip("\"'`,;:?!<>«»“”‘’…")
        for word in (bare, bare.rstrip(".)"), bare.lstrip("(").rstrip(".)")):
            if word:
                found[word] = None
    return list(found)
