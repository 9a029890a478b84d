"""The ACC/AHA Pooled Cohort Equations (2013): 10-year risk of a first hard ASCVD event.

Goff DC et al., 2013 ACC/AHA Guideline on the Assessment of Cardiovascular Risk, Circulation 2014;129(25 suppl
2):S49-S73, Appendix 7, Table A (coefficients, means and baseline survival as printed, worked example included).

There is one equation for each sex and each of two races, white and African American. For everyone else the guideline
suggests the white one; where race is simply not stated there is no right one, and `both` gives the two ends.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from consilium.tools.risk.limits import Limit, outside
from consilium.tools.risk.person import Numbers, People, Person

# Ages: Table A; the other ranges are those of the ACC's estimator of the same equations.
LIMITS = (
    Limit("age", 40, 79, whole=True),
    Limit("total_cholesterol", 130, 320),
    Limit("hdl_cholesterol", 20, 100),
    Limit("systolic_bp", 90, 200),
)


class _Equation(NamedTuple):
    """One column of Table A: coefficients of `_terms`, mean of their sum, baseline survival at 10 years."""

    coefficients: tuple[float, ...]
    mean: float
    survival: float


# Each (white, African American).
_WOMEN = (
    _Equation(
        (-29.799, 4.884, 13.540, -3.114, -13.578, 3.149, 2.019, 0, 1.957, 0, 7.574, -1.665, 0.661),
        -29.18,
        0.9665,
    ),
    _Equation(
        (17.114, 0, 0.940, 0, -18.920, 4.475, 29.291, -6.432, 27.820, -6.087, 0.691, 0, 0.874),
        86.61,
        0.9533,
    ),
)
_MEN = (
    _Equation(
        (12.344, 0, 11.853, -2.664, -7.990, 1.769, 1.797, 0, 1.764, 0, 7.837, -1.795, 0.658),
        61.18,
        0.9144,
    ),
    _Equation(
        (2.469, 0, 0.302, 0, -0.307, 0, 1.916, 0, 1.809, 0, 0.549, 0, 0.645),
        19.54,
        0.8954,
    ),
)


def risk(people: People, *, extrapolate: bool = False) -> Numbers:
    """10-year risk of a first myocardial infarction, coronary death or stroke, by each one's own race.

    Returns
    -------
    Fractions, shape (people,); NaN where race is not stated, and outside `LIMITS` unless `extrapolate`.
    """
    white, black = both(people, extrapolate=extrapolate)
    own = np.where(people.black == 1, black, white)
    own[np.isnan(people.black)] = np.nan
    return own


def both(people: People, *, extrapolate: bool = False) -> tuple[Numbers, Numbers]:
    """The same risk by the white and by the African American equation, whatever race is stated."""
    usable = np.ones(len(people), np.bool_)
    for limit in LIMITS:
        values = getattr(people, limit.name)
        usable &= np.isfinite(values) if extrapolate else limit.admits(values)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # blanked below
        terms = _terms(people, np.log)
        white, black = (
            np.where(
                people.female,
                1 - women.survival ** np.exp(_sum(women, terms)),
                1 - men.survival ** np.exp(_sum(men, terms)),
            )
            for women, men in zip(_WOMEN, _MEN, strict=True)
        )
    white[~usable] = black[~usable] = np.nan
    return white, black


def risk_of(person: Person) -> float | None:
    """The risk of one person: `risk` without arrays, much quicker; None where that has NaN."""
    if person.race is None or outside(person, LIMITS, "the Pooled Cohort Equations"):
        return None
    equation = (_WOMEN if person.sex == "female" else _MEN)[person.race == "black"]
    fraction: float = 1 - equation.survival ** math.exp(_sum(equation, _terms(person, math.log)))
    return fraction


def _terms(p: Any, log: Callable[[Any], Any]) -> list[Any]:
    """The terms of Table A in the order of `_Equation`, for `People` or for one `Person`."""
    age, total, hdl, sbp = (
        log(value) for value in (p.age, p.total_cholesterol, p.hdl_cholesterol, p.systolic_bp)
    )
    treated, untreated = p.bp_treated * sbp, (1 - p.bp_treated) * sbp
    return [
        age,
        age * age,
        total,
        age * total,
        hdl,
        age * hdl,
        treated,
        age * treated,
        untreated,
        age * untreated,
        p.smoker,
        age * p.smoker,
        p.diabetes,
    ]


def _sum(equation: _Equation, terms: Sequence[Any]) -> Any:
    """Sum of the weighted terms less its mean."""
    total = -equation.mean
    for coefficient, term in zip(equation.coefficients, terms, strict=True):
        total = total + coefficient * term
    return total
