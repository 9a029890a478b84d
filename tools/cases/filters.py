"""Conditions that a request states in words ("women over 60 who died in hospital") as a metadata filter.

What describes the patient at hand ("a 62-year-old woman with ...") is no condition: it stays in the text
and is compared like the rest. Every condition found is reported back, so that a misreading is seen.
"""

import re
from dataclasses import dataclass

from pydantic import ValidationError

from consilium.tools.cases.case import Filter
from consilium.tools.cases.conditions import JUST_BELOW, RULES, Condition, before
from consilium.tools.cases.persons import OF_PERSONS, Stated, groups, together
from consilium.tools.contract import ToolError

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
_DANGLING = re.compile(r"^(?:[\s,;]*(?:and|or)\b)+", re.IGNORECASE)
_TOPIC = re.compile(r"[^\W\d_]{2,}")  # of any script; "PE" and "MI" are topics
_EMPTY_WORDS = frozenset(
    "who and with were was are the that have had patients patient people cases case find show list give similar"
    " like any for all only those persons adults please search from aged age did has been but cohort look"
    " there some me of in to other is it at on by my we us so or if an as be do he no up am this these mine her"
    " him his hers she our you your they them their someone somebody anyone one following either both".split()
)


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
    stated: list[Stated] = []
    denied: list[Condition] = []
    query = rest = re.sub(f"[{_MARKS}]", " ", query)
    for pattern, condition in RULES:
        for match in pattern.finditer(rest):
            found = condition(match)
            if found is None:
                continue
            start, end = match.span()
            blank = " " * (end - start)  # of the same length, so that places stay comparable
            if _is_denied(match):
                blank = chr(_MARK + len(denied)) + blank[1:]
                denied.append(found)
            else:
                stated.append(Stated(start, end, found))
            rest = rest[:start] + blank + rest[end:]
    allowed, notes, rest = _without_denied(rest, denied)
    persons = [part for part in stated if part.condition.keys() & OF_PERSONS]
    others = [part.condition for part in stated if part not in persons] + allowed
    either = groups(query, persons)
    try:
        if len(either) > 1:
            conditions = Filter(
                **together(others), any_of=tuple(Filter(**group) for group in either)
            )
        else:
            conditions = Filter(**together([*either, *others]))
    except ValidationError:
        raise ToolError(
            "The request's limits of age or year exclude each other: say one range."
        ) from None
    rest = re.sub(r"\s+([,.;)])", r"\1", " ".join(rest.split())).replace("()", "")
    rest = _DANGLING.sub("", re.sub(r"[,;]+(?=[,;])", "", rest))
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
    if conditions.any_of:
        parts.append(" or ".join(f"({in_words(group)})" for group in conditions.any_of))
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


def _is_denied(match: re.Match[str]) -> bool:
    return bool(
        _DENIED_BEFORE.search(before(match, 80))
        or _DENIED_AFTER.match(match.string[match.end() : match.end() + 80])
    )


def _without_denied(text: str, denied: list[Condition]) -> tuple[list[Condition], list[str], str]:
    """What denied conditions leave, notes of what no condition can say, and the text without their words."""
    allowed: list[Condition] = []
    notes: list[str] = []
    for phrase in _DENIED.finditer(text):
        for part in re.split(r"\b(?:and|n?or)\b", phrase[0]):  # neither the one nor the other
            group = [denied[ord(mark) - _MARK] for mark in re.findall(f"[{_MARKS}]", part)]
            opposite = _opposite(group)
            if opposite is not None:
                allowed.append(opposite)
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
        return {"max_age": value - JUST_BELOW}
    if name == "max_age":
        return {"min_age": round(value + JUST_BELOW, 2)}
    if name == "since":
        return {"until": value - 1}
    if name == "until":
        return {"since": value + 1}
    return {name: not value}
