"""The leaderboard's published rules for a single turn, except that numbers inside a string compare as numbers.

Rules (read from the leaderboard's AST checker; this is our own code): one call per right call; all required
arguments and no unknown one; the type is exactly the declared one, an integer passing for a float, items of a list
checked one level deep; where the acceptable answer is of another type (a variable's name), that type passes too;
strings without case, blanks and the marks , . / - _ * ^ and with either quote, also as items of a list or values of a
dictionary, but exact where they stand deeper; "" among the acceptable values means that the argument may be left out,
or be an empty list. Those string rules read "15 mg" as "1.5 mg": here the numbers of two such strings must be the same
as well. So a call that passes here passes there, once the dots are back in a function's name: servers take none, and
an underscore in place of one is right here.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from consilium.finetune.evaluate.bfcl import Entry, Function
from consilium.finetune.evaluate.cases import PredictedCall

_PYTHON: Mapping[str, type] = {
    "string": str,
    "integer": int,
    "float": float,
    "boolean": bool,
    "array": list,
    "tuple": list,
    "dict": dict,
    "any": str,
}
_MARKS = re.compile(r"[ ,./\-_*^]")
_NUMBER = re.compile(
    r"(?:(?<![\w.,)\]])-)?"  # a sign, not the hyphen of 2024-01-02
    r"(?:\d{1,3}(?:,\d{3})+(?![\d])(?:\.\d+)?"  # 1,500.5
    r"|\d+(?:\.\d+){2,}"  # 2024.01.02: parts, no decimals
    r"|\d*\.\d+|\d+)(?:e[+-]?\d+(?!\w))?",
    re.IGNORECASE,
)
_LEFT_OUT = ""


def fault(entry: Entry, calls: Sequence[PredictedCall]) -> str:
    """Why the calls of an entry are wrong; empty where they are right."""
    if len(calls) != len(entry.ground_truth):
        return f"{len(calls)} calls instead of {len(entry.ground_truth)}"
    functions = {function.name: function for function in entry.function}
    left = list(calls)
    for truth in entry.ground_truth:
        (name, acceptable), *_ = truth.items()
        said = [call_fault(functions[name], acceptable, call) for call in left]
        if "" not in said:
            return said[0]
        left.pop(said.index(""))
    return ""


def call_fault(function: Function, acceptable: Mapping[str, list[Any]], call: PredictedCall) -> str:
    """Why one call is wrong; empty where it is right."""
    if call.name not in (function.name, function.name.replace(".", "_")):  # servers take no dots
        return f"{call.name} instead of {function.name}"
    for name in function.parameters.required:
        if name not in call.arguments:
            return f"{name} is missing"
    for name, value in call.arguments.items():
        if name not in function.parameters.properties or name not in acceptable:
            return f"{name} is too much"
        prop = function.parameters.properties[name]
        if not _value_right(prop, acceptable[name], value):
            return f"{name}: {value!r} instead of one of {acceptable[name]}"
    for name, values in acceptable.items():
        if name not in call.arguments and _LEFT_OUT not in values:
            return f"{name} is missing"
    return ""


def _value_right(prop: Mapping[str, Any], acceptable: Sequence[Any], value: Any) -> bool:
    declared = _PYTHON[prop["type"]]
    items = _PYTHON[prop["items"]["type"]] if declared is list and "items" in prop else None
    if declared is float and type(value) is int:
        value = float(value)
    usual = _type_of(acceptable) in (None, declared)
    if not _type_right(value, declared, items, acceptable):
        if type(value) is not _type_of(acceptable):
            return False
        usual = False  # the name of a variable in place of a value
    if not usual:
        return value in acceptable
    if declared is dict:
        return any(_dict_right(value, wanted) for wanted in acceptable if wanted != _LEFT_OUT)
    if declared is list:
        item_right = _dict_right if items is dict else _same
        return any(
            len(value) == len(wanted)
            and all(item_right(v, w) for v, w in zip(value, wanted, strict=True))
            for wanted in acceptable  # "" is as good as an empty list
            if isinstance(wanted, list) or wanted == _LEFT_OUT
        )
    if declared is str:
        return any(_same(value, wanted) for wanted in acceptable if isinstance(wanted, str))
    return value in acceptable


def _type_of(acceptable: Sequence[Any]) -> type | None:
    return next((type(value) for value in acceptable if value != _LEFT_OUT), None)


def _type_right(value: Any, declared: type, items: type | None, acceptable: Sequence[Any]) -> bool:
    if type(value) is not declared:
        return False
    if items is None or not isinstance(value, (list, tuple)):
        return True
    return any(
        not isinstance(wanted, list)
        or all(type(item) is items or type(item) is _type_of(wanted) for item in value)
        for wanted in acceptable
    )


def _dict_right(value: Any, wanted: Any) -> bool:
    """Each key with one of its acceptable values; one level deep, as the leaderboard's data is."""
    if not isinstance(value, dict) or not isinstance(wanted, dict):
        return False
    return all(
        key in wanted and any(_same(given, right) for right in wanted[key])
        for key, given in value.items()
    ) and all(key in value or _LEFT_OUT in options for key, options in wanted.items())


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return _plain(value) == _plain(wanted) and numbers_in(value) == numbers_in(wanted)
    return bool(value == wanted)


def _plain(text: str) -> str:
    return _MARKS.sub("", text).lower().replace("'", '"')


def numbers_in(text: str) -> list[Decimal]:
    """The numbers a string holds, in order: "1,500" is 1500, "2024.01.02" three numbers, "-5" less than 5."""
    found: list[Decimal] = []
    for match in _NUMBER.finditer(text):
        written = match.group().lower().replace(",", "")
        parts = written.split(".")
        found += [Decimal(part) for part in parts] if len(parts) > 2 else [Decimal(written)]
    return found
