"""Grading of one turn: calls match in any order, one to one; numbers compare as numbers.

The published string rule of function-calling leaderboards accepts "15 mg" for "1.5 mg"; here 1.5 is 1.5 (also when
written 1.50), "1.5" is wrong where a number is wanted, and a boolean is never a number.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

from consilium.finetune.evaluate.cases import (
    Case,
    Expectation,
    ExpectedCall,
    PredictedCall,
    PredictedTurn,
    Prediction,
)
from consilium.tools.registry import TOOLS

_UNORDERED = {"plans"}
# A mark that no plain name has, or nothing but symbols of atoms.
_SMILES = re.compile(r"\S*[\d\[\]()=#@/\\*:]\S*|(?:Cl|Br|[BCNOPSFIHbcnops.+%-])+")
_LEFT_OUT = ""

# A sentence asks for a value if it holds one of these words, whole or in the plural, and a request.
_NAMED_BY: Mapping[str, tuple[str, ...]] = {
    "image": (
        *("film", "image", "scan", "x-ray", "xray", "radiograph", "picture"),
        *("attach", "attached", "attachment", "upload"),
    ),
    "age": ("age", "how old", "old is"),
    "sex": ("sex", "gender", "male", "man or"),
    "total_cholesterol": (
        r"total\W+(?:\w+\W+){0,2}chol(?:esterol)?",
        r"cholesterol \(total\)",
        "tc",
    ),
    "hdl_cholesterol": ("hdl",),
    "systolic_bp": ("systolic", "blood pressure", "bp", "sbp"),
    "volumes_cm3": ("volume",),
    "molecule": ("molecule", "smiles", "drug", "compound", "structure"),
    "similar_to": ("molecule", "smiles", "compound", "structure"),
    "query": ("case", "description", "describe", "diagnosis", "presentation"),
}
_REQUEST = re.compile(
    r"\?|(?<!cannot )(?<!can['’]t )(?<!do not )(?<!don['’]t )(?<!never )"  # "you did not give" is one
    r"\b(?:needs?|needed|please|missing|lacks?|lacking|without|required?|requires|tell|give|provide|add|attach"
    r"|upload|send|share|state|specify|supply|enter|describe|name)\b"
)
_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!\d\.)\s+")  # not after the "1." of a list


@dataclass(frozen=True)
class TurnGrade:
    """How one turn did; counts are of arguments that were expected, given, and right."""

    exact: bool
    names_right: bool
    expected: int
    given: int
    right: int
    numbers: int
    numbers_right: int


def grade_case(case: Case, prediction: Prediction) -> list[TurnGrade]:
    """Grade every turn of a case; one that was not played is wrong, also where no call is right."""
    missing = len(case.turns) - len(prediction.turns)
    played = [*prediction.turns, *[PredictedTurn()] * missing]
    grades = [_grade_turn(turn.expect, made) for turn, made in zip(case.turns, played, strict=True)]
    return [
        grade if i < len(prediction.turns) else replace(grade, exact=False, names_right=False)
        for i, grade in enumerate(grades)
    ]


def _grade_turn(expect: Expectation, predicted: PredictedTurn) -> TurnGrade:
    paired = pairs(expect.calls, predicted.calls)
    counts = [_count(wanted, made) for wanted, made in paired]
    surplus = [made for made in predicted.calls if not any(made is other for _, other in paired)]
    expected, given, right, numbers, numbers_right = (
        sum(count[i] for count in counts) for i in range(5)
    )
    exact = (
        len(expect.calls) == len(predicted.calls)
        and all(made is not None and matches(wanted, made) for wanted, made in paired)
        and all(names(argument, predicted.reply) for argument in expect.asks)
    )
    return TurnGrade(
        exact=exact,
        names_right=sorted(c.name for c in expect.calls) == sorted(c.name for c in predicted.calls),
        expected=expected,
        given=given + sum(len(made.arguments) for made in surplus),
        right=right,
        numbers=numbers,
        numbers_right=numbers_right,
    )


def pairs(
    wanted: Sequence[ExpectedCall], made: Sequence[PredictedCall]
) -> list[tuple[ExpectedCall, PredictedCall | None]]:
    """Pair calls one to one so that most match, then most names, then most arguments are right."""
    slots: list[PredictedCall | None] = [*made, *[None] * len(wanted)][
        : max(len(wanted), len(made))
    ]

    def worth(order: Sequence[PredictedCall | None]) -> tuple[int, int, int]:
        both = [(w, m) for w, m in zip(wanted, order, strict=True) if m is not None]
        return (
            sum(matches(w, m) for w, m in both),
            sum(w.name == m.name for w, m in both),
            sum(_count(w, m)[2] for w, m in both if w.name == m.name),
        )

    best = max(permutations(slots, len(wanted)), key=worth)
    return [
        (w, m if m is not None and m.name == w.name else None)
        for w, m in zip(wanted, best, strict=True)
    ]


def matches(wanted: ExpectedCall, made: PredictedCall) -> bool:
    """Whether a call is right in its name and every argument."""
    return wanted.name == made.name and all(
        argument_right(wanted, made, name) for name in {*wanted.arguments, *made.arguments}
    )


def argument_right(wanted: ExpectedCall, made: PredictedCall, name: str) -> bool:
    """Whether one argument is as wanted; one that nobody expects must be absent or at its default."""
    if name not in wanted.arguments:
        return name not in made.arguments or _same(
            name, _default(wanted.name, name), made.arguments[name]
        )
    acceptable = wanted.arguments[name]
    if name not in made.arguments:
        return _LEFT_OUT in acceptable
    return any(
        _same(name, value, made.arguments[name]) for value in acceptable if value != _LEFT_OUT
    )


def _default(tool: str, argument: str) -> Any:
    properties = TOOLS[tool].schema()["properties"] if tool in TOOLS else {}
    return properties.get(argument, {}).get("default")


def _same(name: str, value: Any, given: Any) -> bool:
    if isinstance(value, Mapping):  # {"contains": [words]}
        return isinstance(given, str) and all(
            word.lower() in given.lower() for word in value["contains"]
        )
    if isinstance(value, bool) or isinstance(given, bool):
        return isinstance(value, bool) and isinstance(given, bool) and value == given
    if isinstance(value, int | float) or isinstance(given, int | float):
        return (
            isinstance(value, int | float)
            and isinstance(given, int | float)
            and abs(value - given) <= 1e-9 * max(1.0, abs(value))
        )
    if isinstance(value, list) and isinstance(given, list):
        if name in _UNORDERED:
            value, given = sorted(map(str, value)), sorted(map(str, given))
        return len(value) == len(given) and all(
            _same(name, v, g) for v, g in zip(value, given, strict=True)
        )
    if isinstance(value, str) and isinstance(given, str):
        if name == "similar_to" or (name == "molecule" and _SMILES.fullmatch(value.strip())):
            return value.strip() == given.strip()
        return value.strip().lower() == given.strip().lower()
    return value is None and given is None


def _count(wanted: ExpectedCall, made: PredictedCall | None) -> tuple[int, int, int, int, int]:
    """Arguments expected, given and right; numbers and units expected and right."""
    must = {name for name, values in wanted.arguments.items() if _LEFT_OUT not in values}
    numeric = {name for name in must if _is_number_or_unit(name, wanted.arguments[name][0])}
    if made is None:
        return len(must), 0, 0, len(numeric), 0
    given = {
        name
        for name, value in made.arguments.items()
        if name in must or not _is_harmless(wanted, name, value)
    }
    right = {name for name in must & given if argument_right(wanted, made, name)}
    return len(must), len(given), len(right), len(numeric), len(numeric & right)


def _is_harmless(wanted: ExpectedCall, name: str, value: Any) -> bool:
    """An optional argument that says what was acceptable, or the default, is neither for nor against."""
    acceptable = wanted.arguments.get(name, [_default(wanted.name, name)])
    return any(_same(name, option, value) for option in acceptable if option != _LEFT_OUT)


def _is_number_or_unit(name: str, value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and _is_number_or_unit(name, value[0])
    return name == "cholesterol_unit" or (
        isinstance(value, int | float) and not isinstance(value, bool)
    )


def names(argument: str, reply: str) -> bool:
    """Whether a reply asks for a missing argument by name; only to speak of it is not to ask."""
    words = _NAMED_BY.get(argument, (argument.replace("_", " "),))
    named = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?:e?s)?(?!\w)")
    return any(
        named.search(sentence) and _REQUEST.search(sentence)
        for sentence in _SENTENCE_END.split(reply.lower())
    )
