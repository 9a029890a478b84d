"""The AHA PREVENT equations (2023): base model and its four extensions, five outcomes, 10 and 30 years.

Khan SS et al., Development and Validation of the American Heart Association's PREVENT Equations, Circulation
2024;149:430-449; coefficients: Supplemental Tables S12, kept in `prevent_coefficients.json` by model, years, term
and sex, one number for each of `OUTCOMES`. The equations are logistic in centred terms (`_terms`) and read
cholesterol in mmol/L. Worked example: Supplemental Table S25.

PREVENT is for people without known cardiovascular disease. It needs an eGFR; only heart failure needs a BMI.
"""

import json
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from consilium.tools.risk.limits import Limit, Problem, outside
from consilium.tools.risk.person import MMOL_PER_MG, Flags, Numbers, People, Person

Model = Literal["base", "hba1c", "uacr", "sdi", "full"]
Outcome = Literal["total_cvd", "ascvd", "heart_failure", "chd", "stroke"]
Years = Literal[10, 30]

MODELS: tuple[Model, ...] = ("base", "hba1c", "uacr", "sdi", "full")
OUTCOMES: tuple[Outcome, ...] = ("total_cvd", "ascvd", "heart_failure", "chd", "stroke")
YEARS: tuple[Years, ...] = (10, 30)
EXTRAS: tuple[Literal["hba1c", "uacr", "sdi"], ...] = ("hba1c", "uacr", "sdi")

# Who was in the derivation sample (Khan 2024, Methods and supplement).
LIMITS = (
    Limit("age", 30, 79, whole=True),
    Limit("total_cholesterol", 130, 320),
    Limit("hdl_cholesterol", 20, 100),
    Limit("systolic_bp", 90, 200),
    Limit("egfr", 15, 140),
)
BMI_LIMIT = Limit("bmi", 18.5, 39.9)
EXTRA_LIMITS = {
    "hba1c": Limit("hba1c", 3, 15),
    "uacr": Limit("uacr", 0.1, 25000),
    "sdi": Limit("sdi", 1, 10),
}
# The 30-year equations are published for ages 30 to 59. From 60 on they still give a number, as in other
# implementations, but nobody has validated it: whoever shows it says so.
THIRTY_YEARS_UNDER = 60


def risks(
    people: People, years: Years = 10, model: Model = "base", *, extrapolate: bool = False
) -> Numbers:
    """Risk of each outcome.

    Parameters
    ----------
    extrapolate : compute outside `LIMITS` too, for research on who was not in the derivation sample.

    Returns
    -------
    Fractions, shape (people, outcomes) in the order of `OUTCOMES`. NaN where a value that the equation needs is
    not known or outside its limits. The full model takes what is not known of HbA1c, UACR and SDI as missing, for
    which it has terms; the others need their one.
    """
    return _fractions(people, OUTCOMES, years, model, extrapolate).T


def risk(
    people: People,
    outcome: Outcome = "total_cvd",
    years: Years = 10,
    model: Model = "base",
    *,
    extrapolate: bool = False,
) -> Numbers:
    """Risk of one outcome as a fraction, shape (people,); see `risks`."""
    fractions: Numbers = _fractions(people, (outcome,), years, model, extrapolate)[0]
    return fractions


def risk_of(
    person: Person, outcome: Outcome = "total_cvd", years: Years = 10, model: Model = "base"
) -> float | None:
    """Risk of one outcome for one person: `risk` without arrays, much quicker; None where that has NaN."""
    for limit in _needed(model, outcome):
        value = getattr(person, limit.name)
        if value is None or not limit.admits(value):
            return None
    if model == "full" and outside(person, list(EXTRA_LIMITS.values()), "PREVENT"):
        return None
    terms = _terms(person, _NUMBERS, model)
    names, women, men = _coefficients(model, years, (outcome,))
    log_odds = 0.0
    for name, coefficient in zip(
        names, (women if person.sex == "female" else men)[0].tolist(), strict=True
    ):
        log_odds += coefficient * terms[name]
    return 1 / (1 + math.exp(-log_odds))


def refusals(person: Person) -> list[Problem]:
    """Why no outcome can be computed for a person; empty where at least the base model's can be."""
    if person.egfr is None:
        return [
            Problem("egfr", "is not known, and PREVENT needs it"),
            *outside(person, LIMITS, "PREVENT"),
        ]
    return outside(person, LIMITS, "PREVENT")


def heart_failure_refusals(person: Person) -> list[Problem]:
    """Why heart failure in particular cannot be computed."""
    if person.bmi is None:
        return [Problem("bmi", "is not known, and PREVENT needs it for heart failure")]
    return outside(person, [BMI_LIMIT], "PREVENT for heart failure")


def _fractions(
    people: People, outcomes: tuple[Outcome, ...], years: Years, model: Model, extrapolate: bool
) -> Numbers:
    """Risks, shape (outcomes, people)."""
    terms = _terms(people, _ARRAYS, model)
    names, women, men = _coefficients(model, years, outcomes)
    design = np.array([terms[name] for name in names], np.float64)
    log_odds = np.where(people.female, women @ design, men @ design)
    fractions: Numbers = 1 / (1 + np.exp(-log_odds))
    fractions[:, ~_usable(people, model, extrapolate)] = np.nan
    if "heart_failure" in outcomes:
        bmi_fits = np.isfinite(people.bmi) if extrapolate else BMI_LIMIT.admits(people.bmi)
        fractions[outcomes.index("heart_failure"), ~bmi_fits] = np.nan
    return fractions


def _usable(people: People, model: Model, extrapolate: bool) -> Flags:
    """Where every value that all outcomes need is known and, unless `extrapolate`, inside its limits."""
    usable = np.ones(len(people), np.bool_)
    for limit in _needed(model):
        values = getattr(people, limit.name)
        usable &= np.isfinite(values) if extrapolate else limit.admits(values)
    if model == "full":
        for name, limit in EXTRA_LIMITS.items():
            values = getattr(people, name)
            usable &= np.isnan(values) | (extrapolate | limit.admits(values))
    return usable


@cache
def _needed(model: Model, outcome: Outcome | None = None) -> tuple[Limit, ...]:
    """Limits of the values without which a model has no answer, or none for that outcome."""
    extra = (EXTRA_LIMITS[model],) if model in EXTRA_LIMITS else ()
    return (*LIMITS, *extra, *((BMI_LIMIT,) if outcome == "heart_failure" else ()))


class _Maths(NamedTuple):
    """What the terms need beside arithmetic, for arrays or for plain numbers."""

    least: Callable[[Any, float], Any]
    most: Callable[[Any, float], Any]
    log: Callable[[Any], Any]
    missing: Callable[[Any], Any]
    filled: Callable[[Any, float], Any]  # with another value where it is missing


_ARRAYS = _Maths(
    np.minimum, np.maximum, np.log, np.isnan, lambda v, other: np.where(np.isnan(v), other, v)
)
_NUMBERS = _Maths(
    min, max, math.log, lambda v: v is None, lambda v, other: other if v is None else v
)


def _terms(p: Any, maths: _Maths, model: Model) -> dict[str, Any]:
    """The terms of a model, centred and scaled as in Tables S12 (their footnotes and Table S25).

    `p` is `People` with `_ARRAYS`, or a `Person` with `_NUMBERS`: one text of the equation serves both.
    """
    age = (p.age - 55) / 10
    hdl_mmol = p.hdl_cholesterol * MMOL_PER_MG
    hdl = (hdl_mmol - 1.3) / 0.3
    non_hdl = p.total_cholesterol * MMOL_PER_MG - hdl_mmol - 3.5
    sbp_high = (maths.most(p.systolic_bp, 110) - 130) / 20
    bmi = maths.filled(p.bmi, 25)  # read by heart failure only, which is not given without it
    bmi_high = (maths.most(bmi, 30) - 30) / 5
    egfr_low = (maths.least(p.egfr, 60) - 60) / -15
    terms = {
        "age": age,
        "age_squared": age**2,
        "non_hdl_c": non_hdl,
        "hdl_c": hdl,
        "sbp_lt_110": (maths.least(p.systolic_bp, 110) - 110) / 20,
        "sbp_gte_110": sbp_high,
        "dm": p.diabetes,
        "smoking": p.smoker,
        "bmi_lt_30": (maths.least(bmi, 30) - 25) / 5,
        "bmi_gte_30": bmi_high,
        "egfr_lt_60": egfr_low,
        "egfr_gte_60": (maths.most(p.egfr, 60) - 90) / -15,
        "bp_tx": p.bp_treated,
        "statin": p.statin,
        "bp_tx_sbp_gte_110": p.bp_treated * sbp_high,
        "statin_non_hdl_c": p.statin * non_hdl,
        "age_non_hdl_c": age * non_hdl,
        "age_hdl_c": age * hdl,
        "age_sbp_gte_110": age * sbp_high,
        "age_dm": age * p.diabetes,
        "age_smoking": age * p.smoker,
        "age_bmi_gte_30": age * bmi_high,
        "age_egfr_lt_60": age * egfr_low,
        "constant": age * 0 + 1,
    }
    if model != "base":
        hba1c, sdi = maths.filled(p.hba1c, 5.3) - 5.3, maths.filled(p.sdi, 0)
        terms |= {
            "sdi_4_to_6": (sdi >= 4) & (sdi <= 6),
            "sdi_7_to_10": sdi >= 7,
            "missing_sdi": maths.missing(p.sdi),
            "ln_uacr": maths.log(maths.filled(p.uacr, 1)),
            "missing_uacr": maths.missing(p.uacr),
            "hba1c_dm": hba1c * p.diabetes,
            "hba1c_no_dm": hba1c * (1 - p.diabetes),
            "missing_hba1c": maths.missing(p.hba1c),
        }
    return terms


@cache
def _table() -> dict[Model, dict[str, dict[str, dict[str, list[float]]]]]:
    path = Path(__file__).with_name("prevent_coefficients.json")
    table: dict[Model, dict[str, dict[str, dict[str, list[float]]]]] = json.loads(
        path.read_text(encoding="utf-8")
    )
    return table


@cache
def _coefficients(
    model: Model, years: Years, outcomes: tuple[Outcome, ...]
) -> tuple[tuple[str, ...], Numbers, Numbers]:
    """Names of a model's terms, and the coefficients of women and of men, each (outcomes, terms)."""
    table = _table()[model][str(years)]
    columns = [OUTCOMES.index(outcome) for outcome in outcomes]
    women, men = (
        np.array([row[sex] for row in table.values()], np.float64).T[columns].copy()
        for sex in ("female", "male")
    )
    return tuple(table), women, men
