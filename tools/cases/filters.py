"""Conditions that a request states in words ("women over 60 who died in hospital") as a metadata filter.

What describes the patient at hand ("a 62-year-old woman with ...") is no condition: it stays in the text
and is compared like the rest. Every condition found is reported back, so that a misreading is seen.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from consilium.tools.cases.case import Filter
from consilium.tools.contract import ToolError

_JUST_BELOW = 0.01  # ages may have decimals: "up to 60" ends just before the 61st birthday
_OLD = 65  # "elderly"
_ADULT = 18
_DECADES = "twenties thirties forties fifties sixties seventies eighties nineties".split()

_NUMBER = r"(?P<{}>1[0-2]\d|[1-9]?\d)"
_YEARS = r"(?:\s*-?\s*(?:years?|yrs?|y/?o|yo)\b(?:[\s-]*(?:old|of\s+age))?)?"
_UNIT = (
    r"(?!\s*(?:%|mm|mg|g/|kg|cm|ml|mmol|µ|u/|iu|bpm|beats|breaths|/\s?min|per\b|days?\b|hours?\b|weeks?\b"
    r"|months?\b|minutes?\b|degrees?\b|°|pack|cigarettes?|points?\b|percent|l\b|litres?\b|[.,/]?\d))"
)
_MEASURES = (
    r"(?:pressure|[sd]?bp|fio2|troponin|nodes?|ratio|fever|smokers?"
    r"|temperature|temp|creatinine|glucose|sugar|rate|pulse|hr|rr|sodium|potassium|count|score"
    r"|gcs|bmi|weight|level|saturation|spo2|pao2|fraction|ef|lvef|ha?emoglobin|hb|albumin|bilirubin|ph|wbc"
    r"|platelets|cholesterol|ldl|hdl|stay|dose|inr|crp|psa|hba1c|a1c|icp|map|cvp|bnp|egfr|gfr|lactate|urea"
    r"|bun|apache|sofa|aps|tsh|fev1|volume|size|thickness|index|of|is|was|to|by|for)"
)
# Somebody else, named earlier in the same clause: "her father, who ..." ends a clause, "father who died" not.
_RELATIVE = re.compile(
    r"\b(?:husband|wife|mother|father|brother|sister|son|daughter|sibling|parent|spouse|partner|uncle|aunt"
    r"|cousin|(?:degree|male|blood)\s+relative|grand(?:mother|father|parent|son|daughter))s?\b[^,.;()]*$",
    re.IGNORECASE,
)
_OF_RELATIVES = re.compile(r"\s*(?:relatives?|siblings?|partners?|cousins?)\b", re.IGNORECASE)
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
# A condition that is denied: "excluding ...", "not ...", "... excluded". Until the end it leaves a mark in the
# text, one character of the private use area, so that conditions denied together are seen together.
_MARK = 0xE000
_MARKS = "\ue000-\uf8ff"
_DENY = (
    r"(?:\b(?:exclud(?:e|es|ing)|except(?:\s+for)?|excepting|omit(?:ting)?|leav(?:e|ing)\s+out|avoid(?:ing)?"
    r"|ignor(?:e|ing)|without|not(?!\s+only)|no|none|nobody|no\s+one|neither|rather\s+than|other\s+than|apart\s+from|instead\s+of"
    r"|(?:don't|do\s+not)\s+(?:show|include|list|give|find|want))\b|\bnon(?=-))"
)
_SKIPPED = (
    r"(?:[\s-]|\b(?:me|any|all|the|of|in|those|these|ones?|patients?|people|persons?|cases?|adults?|anyone|who"
    r"|that|were|was|are|is|be|being|has|have|had|aged?|only|and|or|nor|elderly|wom[ae]n|m[ae]n|females?"
    rf"|males?)\b|[{_MARKS}])*"
)
_EXCLUDED = (
    r"(?:\s*\b(?:patients?|people|cases?|are|were|is|was|be|being|to|should|must|all|who|aged?|and|or"
    rf"|wom[ae]n|m[ae]n|females?|males?|children)\b|\s*[{_MARKS}])*\s*"
    r"\b(?:excluded|left\s+out|omitted|not\s+included|not\s+wanted|not\s+to\s+be\s+(?:shown|included))\b"
)
_DENIED_BEFORE = re.compile(_DENY + _SKIPPED + "$", re.IGNORECASE)
_DENIED_AFTER = re.compile(_EXCLUDED, re.IGNORECASE)
_DENIED = re.compile(
    rf"(?:\b(?:but|who|that|were|was|are|is)\s+){{0,3}}{_DENY}{_SKIPPED}[{_MARKS}](?:{_EXCLUDED})?"
    rf"|[{_MARKS}]{_EXCLUDED}",
    re.IGNORECASE,
)
_NOT_APPLIED = (
    "What the request excludes could not be applied as a condition ({said}): it was left out; say instead"
    " which cases may be found."
)
_DESCRIBED = re.compile(
    r"(?:\b(?:an?|this|my|our|the|same|another|old|yo|y/o|is|elderly|young|white|black|asian|caucasian)"
    r"|\d|\by)[\s-]+$",
    re.IGNORECASE,
)
_CASES = r"(?:cases|patients|people|women|men|adults|admissions|admitted|seen|treated|films|notes|reports)"
_TOPIC = re.compile(r"[a-z]{3,}", re.IGNORECASE)
_EMPTY_WORDS = frozenset(
    "who and with were was are the that have had patients patient people cases case find show list give similar"
    " like any for all only those persons adults please search from aged age did has been but cohort look"
    " there some me of in to other".split()
)

Condition = dict[str, Any]


@dataclass(frozen=True)
class Parsed:
    """A request taken apart.

    Parameters
    ----------
    conditions : what is applied as metadata.
    rest : the request without the words of the conditions: what is compared.
    notes : what was denied and cannot be applied.
    """

    conditions: Filter
    rest: str
    notes: tuple[str, ...] = ()

    @property
    def has_content(self) -> bool:
        """Whether anything is left to be compared."""
        return any(word not in _EMPTY_WORDS for word in _TOPIC.findall(self.rest.lower()))


def parse(query: str) -> Parsed:
    """Take the conditions out of a request.

    Raises
    ------
    ToolError
        If the conditions exclude each other.
    """
    found: dict[str, set[Any]] = {}
    denied: list[Condition] = []
    rest = re.sub(f"[{_MARKS}]", " ", query)
    for pattern, condition in _RULES:
        kept, last = [], 0
        for match in pattern.finditer(rest):
            stated = condition(match)
            if stated is None:
                continue
            kept.append(rest[last : match.start()])
            last = match.end()
            if _is_denied(match):
                kept.append(chr(_MARK + len(denied)))
                denied.append(stated)
                continue
            for name, value in stated.items():
                found.setdefault(name, set()).add(value)
        rest = " ".join([*kept, rest[last:]])
    allowed, notes, rest = _without_denied(rest, denied)
    for name, value in allowed:
        found.setdefault(name, set()).add(value)
    if len(found.get("sex", ())) > 1:  # women and men: everybody
        del found["sex"]
    if any(len(values) > 1 for name, values in found.items() if name.startswith("died")):
        raise ToolError("The request asks for patients who died and who did not: say one of them.")
    chosen = {
        name: (min if name in {"max_age", "until"} else max)(values)
        for name, values in found.items()
    }
    try:
        conditions = Filter(**chosen)
    except ValidationError:
        raise ToolError(
            "The request's limits of age or year exclude each other: say one range."
        ) from None
    rest = re.sub(r"\s+([,.;)])", r"\1", " ".join(rest.split())).replace("()", "")
    return Parsed(conditions, rest.strip(" ,;"), tuple(notes))


def in_words(conditions: Filter) -> str:
    """The conditions as a phrase, e.g. "female, aged 61 or more, died in hospital"; empty for none."""
    low, high = conditions.min_age, conditions.max_age
    parts: list[str] = [conditions.sex or ""]
    if low is not None and high is not None:
        parts.append(f"aged {low:g} to {int(high)}")
    elif low is not None:
        parts.append(f"aged {low:g} or more")
    elif high is not None:
        parts.append(f"aged {int(high)} or less")
    if conditions.died_in_hospital is not None:
        parts.append("died in hospital" if conditions.died_in_hospital else "left hospital alive")
    if conditions.died is not None:
        parts.append("died" if conditions.died else "not known to have died")
    if conditions.diagnosis is not None:
        parts.append(f"diagnosis {conditions.diagnosis}")
    if conditions.since is not None:
        parts.append(f"since {conditions.since}")
    if conditions.until is not None:
        parts.append(f"until {conditions.until}")
    if conditions.source is not None:
        parts.append(f"from {conditions.source}")
    return ", ".join(part for part in parts if part)


def _before(match: re.Match[str], size: int = 24) -> str:
    return match.string[max(0, match.start() - size) : match.start()]


def _is_denied(match: re.Match[str]) -> bool:
    return bool(
        _DENIED_BEFORE.search(_before(match, 80))
        or _DENIED_AFTER.match(match.string[match.end() : match.end() + 80])
    )


def _without_denied(
    text: str, denied: list[Condition]
) -> tuple[list[tuple[str, Any]], list[str], str]:
    """What denied conditions leave, notes of what no condition can say, and the text without their words."""
    allowed: list[tuple[str, Any]] = []
    notes: list[str] = []
    for phrase in _DENIED.finditer(text):
        for part in re.split(r"\b(?:and|n?or)\b", phrase[0]):  # neither the one nor the other
            group = [denied[ord(mark) - _MARK] for mark in re.findall(f"[{_MARKS}]", part)]
            opposite = _opposite(group)
            if opposite is not None:
                allowed += opposite.items()
            elif group:
                said = ", ".join(in_words(Filter.model_construct(**stated)) for stated in group)
                notes.append(_NOT_APPLIED.format(said=said))
    return allowed, notes, re.sub(f"[{_MARKS}]", " ", _DENIED.sub(" ", text))


def _opposite(group: list[Condition]) -> Condition | None:
    """What a denied condition leaves, or None for what no single condition can say ("no women over 60")."""
    if len(group) != 1 or len(group[0]) != 1:
        return None
    ((name, value),) = group[0].items()
    if name == "sex":
        return {"sex": "male" if value == "female" else "female"}
    if name == "min_age":
        return {"max_age": value - _JUST_BELOW}
    if name == "max_age":
        return {"min_age": round(value + _JUST_BELOW, 2)}
    if name == "since":
        return {"until": value - 1}
    if name == "until":
        return {"since": value + 1}
    return {name: not value}


def _age(match: re.Match[str], low: float | None, high: float | None) -> Condition | None:
    if re.search(rf"\b{_MEASURES}\s*$", _before(match), re.IGNORECASE):
        return None  # "blood pressure over 90"
    if _RELATIVE.search(_before(match, 80)):
        return None  # "her father died under 60"
    if low is not None and high is not None and low > high:
        low, high = high, low
    limits: Condition = {}
    if low is not None:
        limits["min_age"] = float(low)
    if high is not None:
        limits["max_age"] = high + 1 - _JUST_BELOW
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
    return None if _DESCRIBED.search(_before(match)) else {"min_age": float(_OLD)}


def _children(match: re.Match[str]) -> Condition | None:
    """Children as patients, not those that somebody has."""
    before = _before(match, 80)
    if _OWN_CHILDREN.search(before) or _RELATIVE.search(before):
        return None
    return {"max_age": _ADULT - _JUST_BELOW}


def _sex(match: re.Match[str]) -> Condition | None:
    word = match["sex"].lower()
    female = word.startswith(("w", "f", "l"))
    if _OF_RELATIVES.match(match.string[match.end() :]) or _RELATIVE.search(_before(match, 80)):
        return None
    if not word.endswith(("men", "s")) and _DESCRIBED.search(_before(match)):
        return None
    return {"sex": "female" if female else "male"}


def _outcome(
    name: Literal["died", "died_in_hospital"], value: bool
) -> Callable[..., Condition | None]:
    def condition(match: re.Match[str]) -> Condition | None:
        before = _before(match, 80)
        if _RELATIVE.search(before) or _NOT_YET.search(before):
            return None
        of_illness = "survivor" in match[0].lower() and _SURVIVED_ILLNESS.search(before)
        return None if of_illness else {name: value}

    return condition


def _since(match: re.Match[str]) -> Condition:
    return {"since": int(match["y"]) + (match["word"].lower() == "after")}


def _until(match: re.Match[str]) -> Condition:
    return {"until": int(match["y"]) - (match["word"].lower() == "before")}


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_N, _A, _B = (_NUMBER.format(name) for name in "nab")
_AGED = r"(?:\b(?:who\s+(?:are|were|is)\s+)?(?:aged?|ages)\s+)?"
_Y = r"(?P<y>(?:19|20)\d\d)\b"
_STAY = r"(?:(?:the|their|this|his|her)\s+)?(?:hospital\s+)?(?:stay|admission|hospitali[sz]ation)"

# Tried in this order; the words of a match are gone for the next one.
_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Condition | None]], ...] = (
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
        _rule(rf"{_AGED}\b{_N}{_YEARS}\s+(?:and|or)\s+(?:over|older|above|more)\b"),
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
    (_rule(rf"{_AGED}\b{_N}{_YEARS}\s+(?:and|or)\s+(?:under|younger|below|less)\b"), _at_most),
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
    (_rule(rf"\b{_CASES}\s+(?:\w+\s+)?(?P<word>since|after|from)\s+{_Y}"), _since),
    (_rule(rf"\b{_CASES}\s+(?:\w+\s+)?(?P<word>before|until|till)\s+{_Y}"), _until),
    (
        _rule(rf"\b{_CASES}\s+(?:\w+\s+)?(?:in|of|during)\s+{_Y}"),
        lambda m: {"since": int(m["y"]), "until": int(m["y"])},
    ),
)
