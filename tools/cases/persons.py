"""Whose age and sex a request limits: "women over 60 or men over 70" are two groups of persons."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from consilium.tools.cases.conditions import Condition
from consilium.tools.contract import ToolError

OF_PERSONS = frozenset({"sex", "min_age", "max_age"})
_AGES = frozenset({"min_age", "max_age"})
_SEX = frozenset({"sex"})
# What may stand between two groups: a connective, and words that say nothing.
_JOINT = re.compile(
    r"(?:^|\s)\s*(?P<word>or|and|as\s+well\s+as|plus|[,;/])(?:\s+|\b)(?:or\s+)?(?:(?:in|for|of|the|any|all|both"
    r"|either|also|patients?|people|persons?|those|anyone|who|that|are|were|aged?)\s+)*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Stated:
    """A condition, and where its words stand in the request."""

    start: int
    end: int
    condition: Condition


def together(parts: Sequence[Condition]) -> Condition:
    """All of the conditions as one; of limits the narrower.

    Raises
    ------
    ToolError
        If outcomes exclude each other.
    """
    found: dict[str, set[Any]] = {}
    for part in parts:
        for name, value in part.items():
            found.setdefault(name, set()).add(value)
    if len(found.get("sex", ())) > 1:  # women and men: everybody
        del found["sex"]
    if any(len(values) > 1 for name, values in found.items() if name.startswith("died")):
        raise ToolError("The request asks for patients who died and who did not: say one of them.")
    return {
        name: (min if name in {"max_age", "until"} else max)(values)
        for name, values in found.items()
    }


def groups(query: str, stated: Sequence[Stated]) -> list[Condition]:
    """Groups of persons, of which a case must belong to one; at most one group where nothing is alternative.

    Parameters
    ----------
    stated : conditions of age and sex in the query.
    """
    persons = sorted(stated, key=lambda part: part.start)
    if not persons:
        return []
    parts = [[persons[0].condition]]
    inherited: list[frozenset[str]] = [frozenset()]  # what a group may take from the one before
    for earlier, part in itertools.pairwise(persons):
        gap = query[earlier.end : part.start]
        joint = _JOINT.search(gap)
        if not joint or not _apart(query, joint["word"], earlier, part, together(parts[-1])):
            parts[-1].append(part.condition)
            continue
        shared: frozenset[str] = frozenset()
        if joint[0] == gap:
            if earlier.condition.keys() & part.condition.keys() & _SEX:  # "women or men over 70"
                shared = _AGES
            elif not _is_noun(query, part) and _AGES & together(parts[-1]).keys():
                shared = _SEX  # "women under 30 or over 80"
        parts.append([part.condition])
        inherited.append(shared)
    found = [together(group) for group in parts]
    for i in range(1, len(found)):
        _give(found[i - 1], found[i], inherited[i])
    for i in range(len(found) - 1, 0, -1):
        _give(found[i], found[i - 1], inherited[i] & _AGES)
    return _merged(found)


def _apart(query: str, word: str, earlier: Stated, part: Stated, group: Condition) -> bool:
    """Whether what follows a connective is another group than what stands before it."""
    if word.lower() == "or" or (_is_noun(query, earlier) and _is_noun(query, part)):
        return True
    both = group | part.condition
    return bool(both.get("min_age", 0) > both.get("max_age", float("inf"))) or (
        group.get("sex", both.get("sex")) != both.get("sex")
    )


def _is_noun(query: str, part: Stated) -> bool:
    return "sex" in part.condition or query[part.start : part.end].lower() == "children"


def _give(giver: Condition, taker: Condition, names: frozenset[str]) -> None:
    if not names & taker.keys():
        taker.update((name, value) for name, value in giver.items() if name in names)


def _merged(found: Sequence[Condition]) -> list[Condition]:
    """Each group once; women and men of the same age are everybody of that age."""
    merged: list[Condition] = []
    for group in found:
        other = {"female": "male", "male": "female"}.get(group.get("sex", ""))
        twin = {**group, "sex": other}
        if twin in merged:
            merged[merged.index(twin)] = {k: v for k, v in group.items() if k != "sex"}
        elif group not in merged:
            merged.append(group)
    return merged if all(merged) else []
