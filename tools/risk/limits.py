"""Which values can be right at all, which an equation was made for, and how a refusal is worded.

Two kinds of limit: beyond the possible ones a value is a slip of the pen and nothing is computed; beyond an
equation's own ones (in `prevent` and `pooled_cohort`) that equation is not used, and others may be.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

import numpy as np

from consilium.tools.contract import ToolError
from consilium.tools.risk.person import Flags, Numbers, People, Person, to_mg, to_mmol


class Problem(NamedTuple):
    """What is wrong with one value: the argument's name, and the clause that follows it."""

    name: str
    says: str

    def __str__(self) -> str:
        return f"{self.name} {self.says}"

    def sentence(self) -> str:
        """The problem as a clinician reads it."""
        label = _LABELS[self.name]
        stop = "" if self.says.endswith("?") else "."
        return f"{label[0].upper()}{label[1:]} {self.says}{stop}"


@dataclass(frozen=True)
class Limit:
    """A valid range of one value; both ends belong to it.

    Parameters
    ----------
    name : the argument.
    low, high : ends of the range, in the unit of `Person`.
    whole : `high` is meant in whole units: at 79 years and 11 months one is 79.
    """

    name: str
    low: float
    high: float
    whole: bool = False

    @overload
    def admits(self, value: Numbers) -> Flags: ...
    @overload
    def admits(self, value: float) -> bool: ...
    def admits(self, value: Numbers | float) -> Flags | bool:
        """Whether a value is inside; NaN is not."""
        return (value >= self.low) & (value < self.high + 1 if self.whole else value <= self.high)

    def range(self) -> str:
        """The range in words, with its unit."""
        return _shown(self.name, self.low, self.high)


POSSIBLE = (
    Limit("age", 0, 120),
    Limit("total_cholesterol", 40, 1000),
    Limit("hdl_cholesterol", 5, 200),
    Limit("systolic_bp", 50, 300),
    Limit("egfr", 1, 200),
    Limit("bmi", 10, 100),
    Limit("hba1c", 3, 20),
    Limit("uacr", 0.01, 30000),
    Limit("sdi", 1, 10),
)


def possible(people: People) -> Flags:
    """Where nothing is impossible; shape (people,). Values that are not known do no harm."""
    fine: Flags = ~(people.hdl_cholesterol >= people.total_cholesterol)
    for limit in POSSIBLE:
        values = getattr(people, limit.name)
        fine &= limit.admits(values) | np.isnan(values)
    fine &= (people.sdi % 1 == 0) | np.isnan(people.sdi)
    return fine


def impossible(person: Person) -> list[Problem]:
    """What cannot be right about a person, in the order of the arguments; empty where all can be."""
    found = []
    for limit in POSSIBLE:
        value = getattr(person, limit.name)
        if value is None:
            continue
        if not math.isfinite(value):
            found.append(Problem(limit.name, "is not a number"))
        elif not limit.admits(value):
            found.append(Problem(limit.name, _slip(limit, value)))
        elif limit.name == "sdi" and value % 1:
            found.append(Problem("sdi", "is a decile: a whole number from 1 to 10"))
    if not found and person.hdl_cholesterol >= person.total_cholesterol:
        hdl = _shown("hdl_cholesterol", person.hdl_cholesterol)
        total = _shown("total_cholesterol", person.total_cholesterol)
        found.append(
            Problem(
                "hdl_cholesterol", f"{hdl} must be below total cholesterol, {total}: check both"
            )
        )
    return found


def check(person: Person) -> None:
    """Refuse a person with an impossible value.

    Raises
    ------
    ToolError
        Which value it is, and what to do.
    """
    if found := impossible(person):
        raise ToolError(" ".join(problem.sentence() for problem in found))


def outside(person: Person, limits: Sequence[Limit], equation: str) -> list[Problem]:
    """Which values of a person an equation was not made for; what is not known is not outside."""
    found = []
    for limit in limits:
        value = getattr(person, limit.name)
        if value is not None and not limit.admits(value):
            shown = _shown(limit.name, value)
            found.append(
                Problem(limit.name, f"{shown} is outside the range of {equation}, {limit.range()}")
            )
    return found


_LABELS = {
    "age": "age",
    "total_cholesterol": "total cholesterol",
    "hdl_cholesterol": "HDL cholesterol",
    "systolic_bp": "systolic blood pressure",
    "egfr": "the eGFR",
    "bmi": "the BMI",
    "hba1c": "HbA1c",
    "uacr": "urine albumin-creatinine ratio",
    "sdi": "social deprivation index",
}
_UNITS = {
    "age": "years",
    "total_cholesterol": "mg/dL",
    "hdl_cholesterol": "mg/dL",
    "systolic_bp": "mmHg",
    "egfr": "mL/min/1.73 m2",
    "bmi": "kg/m2",
    "hba1c": "%",
    "uacr": "mg/g",
    "sdi": "(decile)",
}


def _slip(limit: Limit, value: float) -> str:
    """What to ask about an impossible value: another unit, where it would be possible in that one."""
    cannot = f"{_shown(limit.name, value)} cannot be right"
    if limit.name.endswith("cholesterol"):
        if value < limit.low and limit.admits(to_mg(value)):
            return (
                f"{_plain(value)} mg/dL cannot be right and looks like mmol/L: is the unit mmol/L?"
            )
        if (stated := to_mmol(value)) > 2 * to_mmol(limit.high) and limit.admits(stated):
            return (
                f"{_plain(stated)} mmol/L cannot be right and looks like mg/dL: is the unit mg/dL?"
            )
    if limit.name == "hba1c" and value > limit.high:
        return f"{cannot} and looks like mmol/mol: give it in % (mmol/mol x 0.0915 + 2.15)"
    return f"{cannot} (possible: {limit.range()})"


def _shown(name: str, *values: float) -> str:
    """A value or a range with its unit; cholesterol in both units, whichever was stated."""
    text = f"{' to '.join(map(_plain, values))} {_UNITS[name]}"
    if name.endswith("cholesterol"):
        text += f" ({' to '.join(f'{to_mmol(value):.2f}' for value in values)} mmol/L)"
    return text


def _plain(value: float) -> str:
    """A number without an exponent or idle zeros, to three places."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 1e9 else f"{value:g}"
