"""Numbers in words and back: how a clinician writes them and how a check finds them again."""

import re

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = "first second third fourth fifth sixth seventh eighth".split()


def in_words(value: int) -> str:
    """`value` (0 to 999) in British English words."""
    if value < 20:
        return _SMALL[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return _TENS[tens - 2] + (f"-{_SMALL[ones]}" if ones else "")
    hundreds, rest = divmod(value, 100)
    return f"{_SMALL[hundreds]} hundred" + (f" and {in_words(rest)}" if rest else "")


_BY_WORDS = {in_words(value): value for value in range(1000)}
_NUMERAL = "|".join(sorted([*_SMALL, *_TENS, "hundred", "and"], key=len, reverse=True))
_IN_WORDS = re.compile(rf"\b(?:{_NUMERAL})(?:[ -]+(?:{_NUMERAL}))*\b")
_DOZEN = re.compile(r"(half[ -](?:a[ -])?)?dozen")
_DIGITS = re.compile(r"(?<![\d.,])(?:\d+(?:[.,]\d+)?|[.]\d+)")


def stated_numbers(text: str) -> set[float]:
    """Every number said in `text`: digits, decimal point or comma, or words, a dozen and half of one."""
    found = {float(match.replace(",", ".")) for match in _DIGITS.findall(text)}
    found |= {6.0 if half else 12.0 for half in _DOZEN.findall(text.lower())}
    for phrase in _IN_WORDS.findall(text.lower()):
        words = re.split(r"[ -]+", phrase)
        # Any run of words may be the number: "one and twenty two" holds 1, 22, 20 and 2.
        for start in range(len(words)):
            for end in range(start + 1, len(words) + 1):
                run = words[start:end]
                for joined in (" ".join(run), _hyphenated(run)):
                    if joined in _BY_WORDS:
                        found.add(float(_BY_WORDS[joined]))
    return found


def _hyphenated(words: list[str]) -> str:
    """["forty", "two"] as "forty-two", within longer phrases too."""
    text = " ".join(words)
    return re.sub(rf"\b({'|'.join(_TENS)}) ({'|'.join(_SMALL[1:10])})\b", r"\1-\2", text)
