"""What is written in the cells of a table: ages, sexes, dates, yes and no.

Every function takes the text of a cell, returns None where it says "not known", and raises ValueError with the end of
a sentence where it cannot be understood.
"""

import re
from collections.abc import Mapping

from consilium.tools.cases.case import Sex

_FEMALE = frozenset({"f", "female", "w", "woman", "girl"})
_MALE = frozenset({"m", "male", "man", "boy"})
_UNKNOWN = frozenset(
    {"", "u", "unk", "unknown", "other", "o", "n/a", "na", "nan", "none", "null", "-", "?"}
)
_YES = frozenset({"yes", "y", "true", "t", "1", "1.0", "died", "dead", "deceased", "expired"})
_NO = frozenset({"no", "n", "false", "f", "0", "0.0", "alive", "survived"})
_AGE = re.compile(r"(\d{1,3}(?:\.\d+)?)\+?\s*([a-z/]*)(?:\s+old)?")
# "45m" and "45w" are no ages in months or weeks: they as well say a man and a woman (weiblich) of 45.
_PER_YEAR = {"": 1, "y": 1, "yr": 1, "yrs": 1, "year": 1, "years": 1, "yo": 1, "y/o": 1,
             "mo": 12, "month": 12, "months": 12, "week": 52, "weeks": 52,
             "d": 365, "day": 365, "days": 365}  # fmt: skip
_YEAR = re.compile(r"(?<!\d)(?:1[89]|20|21)\d\d(?!\d)")
_COMPACT_DATE = re.compile(r"((?:1[89]|20|21)\d\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_OLD = r"(?:years?|yrs?|y)[ -]?(?:old|o)\b"
_AGE_IN_TEXT = re.compile(rf"\b(\d{{1,3}})[ -]?{_OLD}", re.IGNORECASE)
_SEX_IN_TEXT = re.compile(
    rf"{_OLD}(?:[ -]+[\w-]+){{0,3}}?[ -]+(woman|female|lady|girl|man|male|gentleman|boy)\b",
    re.IGNORECASE,
)


def means_unknown(text: str) -> bool:
    """Whether a cell says that the value is not known."""
    return text.strip().lower() in _UNKNOWN


def parse_age(text: str) -> float | None:
    """Age in years, from such as "67", "67 years", "90+" or "6 months"."""
    if means_unknown(text):
        return None
    match = _AGE.fullmatch(text.strip().lower())
    if not match or match[2] not in _PER_YEAR:
        raise ValueError(f"age {_short(text)} is not understood")
    age = float(match[1]) / _PER_YEAR[match[2]]
    if age > 130:
        raise ValueError(f"age {_short(text)} is not possible")
    return round(age, 2)


def parse_sex(text: str) -> Sex | None:
    """Sex, where it is one of the two that cases are filtered by."""
    word = text.strip().lower()
    if word in _FEMALE:
        return "female"
    if word in _MALE:
        return "male"
    if means_unknown(word):
        return None
    raise ValueError(f"sex {_short(text)} is not understood")


def parse_yes_no(values: Mapping[str, str], field: str) -> bool | None:
    """Yes or no in a field."""
    word = values.get(field, "").strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    if means_unknown(word):
        return None
    raise ValueError(f"{field} {_short(word)} is neither yes nor no")


def parse_days(text: str) -> int | None:
    """A whole number of days."""
    if means_unknown(text):
        return None
    if not re.fullmatch(r"\d{1,5}(?:\.0*)?", text.strip()):
        raise ValueError(f"followup_days {_short(text)} is no number of days")
    return int(float(text))


def parse_year(text: str) -> int | None:
    """The year of a date, which must have four digits; the rest of a date is not kept."""
    if means_unknown(text):
        return None
    compact = _COMPACT_DATE.match(text.strip())
    years = {compact[1]} if compact else set(_YEAR.findall(text))
    if len(years) != 1:
        raise ValueError(f"date {_short(text)} has no year of four digits")
    return int(years.pop())


def age_in(text: str) -> float | None:
    """The age that a text gives its patient, as in "67-year-old"."""
    match = _AGE_IN_TEXT.search(text)
    return float(match[1]) if match and int(match[1]) <= 130 else None


def sex_in(text: str) -> Sex | None:
    """The sex that a text gives its patient, as in "67-year-old white woman"."""
    match = _SEX_IN_TEXT.search(text)
    if not match:
        return None
    return "female" if match[1].lower() in {"woman", "female", "lady", "girl"} else "male"


def _short(text: str) -> str:
    return repr(text[:40])
