"""Which numbers and words a text states.

One reading of text serves three masters: decoding (a call may only hold numbers that were said), the check of a
decoded call, and the check of every number in an answer. A token can have several readings ("1,500" is 1500 or
1.5; "60 %" is 60 or 0.6; "one forty two" is 142): a number counts as stated if any reading of any token is it. What a
call may hold is read more freely than what an answer may say: in "a molecule" the article is a count of one.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from consilium.assistant.llm.spelled import spelled

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
_VALUES = _CARDINALS | {"oh": 0}  # "one oh eight"
_COUNTS = {"couple": 2, "pair": 2}
_ARTICLES = {"both": 2, "single": 1, "a": 1, "an": 1}
# How often or how much of it, in a word; "half-life" and "double-check" are none.
_TIMES = {
    "half": "0.5",
    "halved": "0.5",
    "twice": "2",
    "doubled": "2",
    "doubles": "2",
    "tripled": "3",
    "thrice": "3",
}
_MULTIPLE = re.compile(rf"\b(?:{'|'.join(_TIMES)})\b(?!-|\s+(?:a\s+)?dozen)", re.IGNORECASE)
_DOZEN = re.compile(r"(?P<half>\bhalf[\s-](?:a[\s-])?)?\bdozen\b", re.IGNORECASE)
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 10**9}

_DIGITS = re.compile(
    r"(?P<sign>(?:(?<=[\s(\[=<>:;,])|^)[-\u2212])?"
    r"(?P<digits>\d+(?:[.,]\d+)?e[+-]?\d{1,2}\b|\d+(?:[.,]\d+)*|(?<![\w.,])\.\d+)"
    r"(?P<percent>\s*%|\s*percent\b)?",
    re.IGNORECASE,
)
_GROUPED = re.compile(r"\d{1,3}(?:(?:,\d{3})+\.\d+|(?:\.\d{3})+,\d+)")  # 1,234.5 and 1.234,5
_AMBIGUOUS = re.compile(r"\d{1,3}[.,]\d{3}")  # 1,500 may be 1500 or 1.5
_SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?:[ '\u2019]\d{3})+(?![\d.,])")  # 12 500
_LISTED = re.compile(r"(?<![\d.,])\d{2,}(?:,\d{2,})+(?![\d.,])")  # "120,130" may be two numbers
_RAISED = re.compile(
    r"(?<=\d)(?=[\u00b9\u00b2\u00b3\u2070-\u2079\u00bc-\u00be\u2150-\u215e])"
)  # 5.8\u00b9
_DECIMAL_POINTS = re.compile(r"(?<=\d)[\u00b7\u066b](?=\d)")  # 5\u00b78
_LONGEST_RUN = 16  # words; more make numbers that nobody means
_WORD_RUN = re.compile(
    rf"\b(?:{'|'.join([*_CARDINALS, *_SCALES])})\b"
    rf"(?:(?:[\s-]+|\s+and\s+|\s+point\s+)(?:{'|'.join([*_VALUES, *_SCALES])})\b){{0,{_LONGEST_RUN}}}",
    re.IGNORECASE | re.ASCII,
)
_NEXT = re.compile(  # one, as in "the next visit", and not in "the next ten visits"
    rf"\bnext\b(?!\s+(?:\d|(?:{'|'.join([*_CARDINALS, *_COUNTS, 'few', 'several'])})\b))",
    re.IGNORECASE,
)
_OTHERS = {word: place for place, word in enumerate(_ORDINALS, start=1)} | _COUNTS


def numbers(text: str) -> set[Decimal]:
    """Every number that a reader could take a text to state; what a call may hold.

    Digits, number words, ordinals, "a dozen", "drei", and one where there is an article or "the next visit".
    """
    # Dictation may break a number over two lines, and what ends a line need not go on in the next.
    return set().union(*(_freely(part) for part in (text, *text.splitlines())))


def _freely(text: str) -> set[Decimal]:
    plain = _plain(text)
    one = any(run.lower() == "one" for run in _WORD_RUN.findall(plain)) or _NEXT.search(plain)
    spaced = {Decimal(re.sub(r"\D", "", token)) for token in _SPACED.findall(plain)}
    listed = {Decimal(part) for token in _LISTED.findall(plain) for part in token.split(",")}
    found = _spoken(text) | _named(text, _ARTICLES) | spelled(plain) | spaced | listed
    return found | {Decimal(1)} if one else found


def grounds(results: Iterable[str], said: Iterable[str] = ()) -> set[Decimal]:
    """Every number that results (as rendered) and the user's messages state; what an answer may say."""
    shown = {n for text in results for token in written(text, ours=True) for n in token}
    return shown.union(*(_spoken(text) for text in said))


def written(text: str, *, ours: bool = False) -> Iterator[set[Decimal]]:
    """The readings of each number written in a text, in digits or as cardinal words, in no particular order.

    The word "one" alone is taken for a pronoun and left out. In `ours`, what tools write, 1,500 is no 1.5.
    """
    text = _plain(text)
    for match in _DIGITS.finditer(text):
        token, percent = match["digits"], bool(match["percent"])
        if ours and _AMBIGUOUS.fullmatch(token):
            token = token.replace(",", "") if "," in token else f"{token}0"  # one decimal more
        for readings in _digit_readings(token, percent=percent):
            yield {-value for value in readings} if match["sign"] else readings
    for match in _WORD_RUN.finditer(text):
        if match.group().lower() != "one":
            yield {_word_reading(match.group().lower())}
    for match in _DOZEN.finditer(text):
        yield {Decimal(6 if match["half"] else 12)}
    for match in _MULTIPLE.finditer(text):
        yield {Decimal(_TIMES[match.group().lower()])}


def _spoken(text: str) -> set[Decimal]:
    text = _plain(text)
    # "TC -210": typed by hand, a dash before a number need not be a minus
    found = {n for token in written(text) for reading in token for n in (reading, abs(reading))}
    for match in _WORD_RUN.finditer(text):  # dictated without commas: "ten twelve fifteen"
        run = match.group().lower()
        if run != "one":
            whole, point, digits = run.partition(" point ")
            groups = [Decimal(value) for value in _groups(re.findall(r"[a-z]+", whole))]
            decimals = "".join(str(value) for value in _groups(re.findall(r"[a-z]+", digits)))
            if point and groups and decimals:  # "nineteen point two" is not nineteen
                groups[-1] = Decimal(f"{groups[-1]}.{decimals}")
            found.update(groups)
    return found | _named(text, _OTHERS)


def _named(text: str, names: Mapping[str, int]) -> set[Decimal]:
    pattern = rf"\b(?:{'|'.join(sorted(names, key=len, reverse=True))})\b"
    return {Decimal(names[word]) for word in re.findall(pattern, _plain(text).lower())}


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", _RAISED.sub(" ", text))
    return " ".join(_DECIMAL_POINTS.sub(".", text).split())


def _digit_readings(token: str, *, percent: bool) -> Iterator[set[Decimal]]:
    if "e" in token.lower():  # 1e-5
        yield {Decimal(token.replace(",", "."))}
        return
    parts = re.split(r"[.,]", token)
    if _GROUPED.fullmatch(token):
        readings = {Decimal(f"{''.join(parts[:-1])}.{parts[-1]}")}
    elif len(parts) <= 2:
        readings = {Decimal(f"{parts[0] or 0}.{parts[1]}" if len(parts) == 2 else parts[0])}
        if len(parts) == 2 and len(parts[1]) == 3 and parts[0].strip("0"):  # 1,500 as thousands
            readings.add(Decimal("".join(parts)))
    elif "." in token and "," in token:  # "12.1,14.3" is a list
        for part in token.split(","):
            yield from _digit_readings(part, percent=percent)
        return
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
    decimals = "".join(str(value) for value in _groups(re.findall(r"[a-z]+", digits)))
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
        elif word in _VALUES:
            last = _VALUES[word]
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
