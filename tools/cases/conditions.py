"""The phrases by which a request states a condition ("over 60", "women", "who died in hospital"), and what each says.

What describes the patient at hand ("a 62-year-old woman with ...") or somebody else is no condition.
"""

import re
from collections.abc import Callable
from typing import Any, Literal

Condition = dict[str, Any]
"""Fields of a `Filter` and their values."""

JUST_BELOW = 0.01  # ages may have decimals: "up to 60" ends just before the 61st birthday
_LOOK_BACK = 400  # characters
_OLD = 65  # "elderly"
_ADULT = 18
_DECADES = "twenties thirties forties fifties sixties seventies eighties nineties".split()

_NUMBER = r"(?P<{}>1[0-2]\d|[1-9]?\d)"
_YEARS = r"(?:\s*-?\s*(?:years?|yrs?|y/?o|yo)\b(?:[\s-]*(?:old|of\s+age))?)?"
_UNIT = (
    r"(?!\s*(?:%|mm|mg|g/|kg|cm|ml|mmol|µ|u/|iu|bpm|beats|breaths|/\s?min|per\b|days?\b|hours?\b|weeks?\b"
    r"|months?\b|minutes?\b|degrees?\b|°|pack|cigarettes?|points?\b|percent|l\b|litres?\b|[.,/]?\d"
    r"|cases?\b|episodes?\b|times\b|falls\b|attacks?\b|seizures\b|lesions?\b|nodules?\b|drinks?\b"
    r"|years?\s+(?:ago|earlier|before|of\s+(?!age\b)))"
    r"|-(?:pack|mm|cm|days?\b|hours?\b|weeks?\b|months?\b))"
)
_MEASURES = (
    r"(?:pressure|systolic|diastolic|[sd]?bp|fio2|troponin|nodes?|ratio|fever|smokers?"
    r"|temperature|temp|creatinine|glucose|sugar|rate|pulse|hr|rr|sodium|potassium|count|score"
    r"|gcs|bmi|weight|level|saturation|spo2|pao2|fraction|ef|lvef|ha?emoglobin|hb|albumin|bilirubin|ph|wbc"
    r"|platelets|cholesterol|ldl|hdl|stay|dose|inr|crp|psa|hba1c|a1c|icp|map|cvp|bnp|egfr|gfr|lactate|urea"
    r"|ha?ematocrit|hct|esr|alt|ast|ldh|ferritin|lipase|amylase|meld|nihss|qrs|qtc|output|peep|gradient|clearance|cd4"
    r"|curb-?65|bun|apache|sofa|aps|tsh|fev1|volume|size|thickness|index|of|is|was|to|by|for)"
)
# Somebody else, named earlier in the same clause: "her father, who ..." ends a clause, "father who died" not.
_RELATIVE = re.compile(
    r"\b(?:husband|wife|mother|father|brother|sister|son|daughter|sibling|parent|spouse|partner|uncle|aunt"
    r"|cousin|(?:degree|male|blood)\s+relative|grand(?:mother|father|parent|son|daughter))s?\b[^,.;()]*$",
    re.IGNORECASE,
)
_OF_RELATIVES = re.compile(r"\s*(?:relatives?|siblings?|partners?|cousins?)\b", re.IGNORECASE)
_LIVES_WITH = re.compile(
    r"\b(?:(?:liv(?:es?|ed|ing)|stay(?:s|ed|ing)|resid(?:es?|ed|ing))\s+with|car(?:es?|ed|ing)\s+(?:for|by|for\s+by)"
    r"|look(?:s|ed|ing)\s+after(?:\s+by)?|next\s+to|brought(?:\s+in)?\s+by|found\s+by|sex\s+with)\s+(?:[a-z]+\s+){0,3}$",
    re.IGNORECASE,
)
_OWN_CHILDREN = re.compile(
    r"(?:\b(?:with|with\s+no|without|ha[sd]|have|having|ha[sd]\s+no|have\s+no|her|his|their|lost|two|three|four|five|six"
    r"|seven|eight|young|small|several)|\d)\s+$",
    re.IGNORECASE,
)
_NOT_YET = re.compile(
    r"\b(?:risks?\s+(?:of|for)|fear\s+of|chance\s+of|probability\s+of|predict\w*|high|low|f(?:o)?etal)\s+$",
    re.IGNORECASE,
)
_SURVIVED_ILLNESS = re.compile(
    r"\b(?:cancer|tumou?r|carcinoma|lymphoma|leuka?emia|melanoma|abuse)\s+$", re.IGNORECASE
)
_DESCRIBED = re.compile(
    r"(?:\b(?:an?|this|my|our|the|same|another|old|yo|y/o|is|elderly|young|white|black|asian|caucasian)"
    r"|\d|\by)[\s-]+$",
    re.IGNORECASE,
)
_CASES = r"(?:cases|patients|people|women|men|adults|admissions|admitted|seen|treated|films|notes|reports)"


def before(match: re.Match[str], size: int = 24) -> str:
    """The last characters before a match; what was blanked out counts as one space."""
    near = match.string[max(0, match.start() - _LOOK_BACK) : match.start()]
    return re.sub(r"\s+", " ", near)[-size:]


def _age(match: re.Match[str], low: float | None, high: float | None) -> Condition | None:
    if re.search(rf"\b{_MEASURES}\s*$", before(match), re.IGNORECASE):
        return None  # "blood pressure over 90"
    if _RELATIVE.search(before(match, 80)):
        return None  # "her father died under 60"
    if low is not None and high is not None and low > high:
        low, high = high, low
    limits: Condition = {}
    if low is not None:
        limits["min_age"] = float(low)
    if high is not None:
        limits["max_age"] = high + 1 - JUST_BELOW
    return limits


def _over(match: re.Match[str]) -> Condition | None:
    return _age(match, int(match["n"]) + 1, None)


def _at_least(match: re.Match[str]) -> Condition | None:
    return _age(match, int(match["n"]), None)


def _under(match: re.Match[str]) -> Condition | None:
    return _age(match, None, int(match["n"]) - 1)


def _at_most(match: re.Match[str]) -> Condition | None:
    return _age(match, None, int(match["n"]))


def _between(match: re.Match[str]) -> Condition | None:
    return _age(match, int(match["a"]), int(match["b"]))


def _decade(match: re.Match[str]) -> Condition | None:
    return _age(match, int(match["n"]), int(match["n"]) + 9)


def _spelled(match: re.Match[str]) -> Condition | None:
    low = 20 + 10 * _DECADES.index(match["word"].lower())
    return _age(match, low, low + 9)


def _elderly(match: re.Match[str]) -> Condition | None:
    if _DESCRIBED.search(before(match)) or _LIVES_WITH.search(before(match, 80)):
        return None
    return {"min_age": float(_OLD)}


def _children(match: re.Match[str]) -> Condition | None:
    """Children as patients, not those that somebody has."""
    earlier = before(match, 80)
    if any(cue.search(earlier) for cue in (_OWN_CHILDREN, _RELATIVE, _LIVES_WITH)):
        return None
    return {"max_age": _ADULT - JUST_BELOW}


def _sex(match: re.Match[str]) -> Condition | None:
    word = match["sex"].lower()
    female = word.startswith(("w", "f", "l"))
    earlier = before(match, 80)
    if _OF_RELATIVES.match(match.string[match.end() :]) or _RELATIVE.search(earlier):
        return None
    if _LIVES_WITH.search(earlier):
        return None
    if not word.endswith(("men", "s")) and _DESCRIBED.search(before(match)):
        return None
    return {"sex": "female" if female else "male"}


def _outcome(
    name: Literal["died", "died_in_hospital"], value: bool
) -> Callable[..., Condition | None]:
    def condition(match: re.Match[str]) -> Condition | None:
        earlier = before(match, 80)
        if _RELATIVE.search(earlier) or _NOT_YET.search(earlier):
            return None
        of_illness = "survivor" in match[0].lower() and _SURVIVED_ILLNESS.search(earlier)
        return None if of_illness else {name: value}

    return condition


def _since(match: re.Match[str]) -> Condition:
    first = int(match["y"]) + (match["word"].lower() == "after")
    return {"until": first - 1} if match["not"] else {"since": first}


def _until(match: re.Match[str]) -> Condition:
    last = int(match["y"]) - (match["word"].lower() == "before")
    return {"since": last + 1} if match["not"] else {"until": last}


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_N, _A, _B = (_NUMBER.format(name) for name in "nab")
_AGED = r"(?:\b(?:who\s+(?:are|were|is)\s+)?(?:aged?|ages)\s+)?"
_BETWEEN = r"(?:(?P<not>not|never)\s+|\w+\s+)?"  # "cases not after 2005", "cases seen since 2010"
_Y = r"(?P<y>(?:19|20)\d\d)\b"
_STAY = r"(?:(?:the|their|this|his|her)\s+)?(?:hospital\s+)?(?:stay|admission|hospitali[sz]ation)"

# Tried in this order; the words of a match are gone for the next one.
RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Condition | None]], ...] = (
    (_rule(rf"{_AGED}\bbetween\s+{_A}\s*(?:and|to|-|–)\s*{_B}\b{_UNIT}{_YEARS}"), _between),
    (
        _rule(rf"\b(?:aged?|ages)\s+(?:from\s+)?{_A}\s*(?:to|-|–|and)\s*{_B}\b{_UNIT}{_YEARS}"),
        _between,
    ),
    (_rule(rf"\b{_A}\s*(?:to|-|–)\s*{_B}\s*-?\s*years?(?:[\s-]*olds?|\s+of\s+age)\b"), _between),
    (_rule(rf"\bin\s+(?:their|his|her|the)\s+{_NUMBER.format('n')}'?s\b"), _decade),
    (_rule(rf"\bin\s+(?:their|his|her|the)\s+(?P<word>{'|'.join(_DECADES)})\b"), _spelled),
    (
        _rule(
            rf"{_AGED}\b(?:at\s+least|not\s+younger\s+than|no\s+younger\s+than|from)\s+(?:age\s+)?{_N}\b"
            rf"{_UNIT}(?!\s*(?:to|-|–)\s*\d){_YEARS}(?:\s+(?:and|or)\s+(?:over|older|above|up))?"
        ),
        _at_least,
    ),
    (
        _rule(
            rf"{_AGED}\b{_N}{_YEARS}\s+(?:and|or)\s+(?:over|older|above|more)\b(?!\s+(?:than\b|\d))"
        ),
        _at_least,
    ),
    (_rule(rf"{_AGED}\b{_N}\s*\+(?!\d){_YEARS}"), _at_least),
    (_rule(rf"{_AGED}(?:≥|>=)\s*{_N}\b{_UNIT}{_YEARS}"), _at_least),
    (
        _rule(
            rf"{_AGED}(?:\b(?:at\s+most|not\s+older\s+than|no\s+older\s+than|up\s+to)\s+(?:age\s+)?|(?:≤|<=)\s*)"
            rf"{_N}\b{_UNIT}{_YEARS}"
        ),
        _at_most,
    ),
    (
        _rule(
            rf"{_AGED}\b{_N}{_YEARS}\s+(?:and|or)\s+(?:under|younger|below|less)\b(?!\s+(?:than\b|\d))"
        ),
        _at_most,
    ),
    (
        _rule(
            rf"{_AGED}(?:\b(?:over|above|older\s+than|more\s+than|past)\s+(?:the\s+age\s+of\s+|age\s+)?|>\s*)"
            rf"{_N}\b{_UNIT}{_YEARS}"
        ),
        _over,
    ),
    (
        _rule(
            rf"{_AGED}(?:\b(?:under|below|younger\s+than|less\s+than)\s+(?:the\s+age\s+of\s+|age\s+)?|<\s*)"
            rf"{_N}\b{_UNIT}{_YEARS}"
        ),
        _under,
    ),
    (_rule(r"\b(?:elderly|geriatric)\b"), _elderly),
    (_rule(r"\b(?:children|paediatric|pediatric)\b"), _children),
    (
        _rule(
            r"\b(?:(?:who|that)\s+)?(?:did\s+not\s+survive\s+(?:to\s+(?:hospital\s+)?discharge|"
            + _STAY
            + r")"
            r"|(?:died|dying|dead|deaths?)\s+(?:in|during|while\s+in|at)\s+(?:the\s+)?(?:hospital\b|"
            + _STAY
            + r")"
            r"|in-?\s?hospital\s+(?:death|mortality|deaths)|never\s+left\s+(?:the\s+)?hospital)"
        ),
        _outcome("died_in_hospital", True),
    ),
    (
        _rule(
            r"\b(?:(?:who|that|were|was)\s+){0,2}(?:survived?\s+(?:to\s+(?:hospital\s+)?discharge|(?:in\s+)?hospital\b|"
            + _STAY
            + r")|discharged\s+alive|left\s+(?:the\s+)?hospital\s+alive|alive\s+at\s+discharge"
            r"|(?:did\s+not|didn't)\s+die\s+in\s+(?:the\s+)?hospital)"
        ),
        _outcome("died_in_hospital", False),
    ),
    (
        _rule(
            r"\b(?:(?:who|that|were|was)\s+){0,2}(?:(?<!non-)(?<!non)survivors\b|still\s+alive\b|survived\b(?!\s+(?:by|a|an|the|by))"
            r"|(?:did\s+not|didn't)\s+die\b|ha(?:s|ve|d)\s+not\s+died\b)"
        ),
        _outcome("died", False),
    ),
    (
        _rule(
            r"(?:\b(?:who|that|patients|cases|and)\s+(?:later\s+|eventually\s+)?died\b(?!\s+of)|\bdeceased\b"
            r"|\b(?:who\s+)?(?:did\s+not|didn't)\s+survive\b(?!\s+(?:an?|the|to)\b)"
            r"|\bnon-?survivors?\b|\bfatal\s+(?:cases|outcome)\b|\bwith\s+fatal\s+outcome\b)"
        ),
        _outcome("died", True),
    ),
    (
        _rule(
            r"\b(?P<sex>women|woman|females?|ladies|men|man|males?|gentlemen)\b"
            r"(?:\s+(?:patients?|cases?|only))?"
        ),
        _sex,
    ),
    (
        _rule(
            rf"(?<=\b)(?P<keep>{_CASES})\s+(?:were\s+|was\s+)?(?:between|from)\s+(?P<a>(?:19|20)\d\d)\s*"
            rf"(?:and|to|-|–)\s*(?P<b>(?:19|20)\d\d)\b"
        ),
        lambda m: {"since": int(m["a"]), "until": int(m["b"])},
    ),
    (_rule(rf"\b{_CASES}\s+{_BETWEEN}(?P<word>since|after|from)\s+{_Y}"), _since),
    (_rule(rf"\b{_CASES}\s+{_BETWEEN}(?P<word>before|until|till)\s+{_Y}"), _until),
    (
        _rule(rf"\b{_CASES}\s+(?:(?!not\b|never\b)\w+\s+)?(?:in|of|during)\s+{_Y}"),
        lambda m: {"since": int(m["y"]), "until": int(m["y"])},
    ),
)
