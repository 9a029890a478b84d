"""One person, or many, as the equations read them: every value in one fixed unit.

Cholesterol is kept in mg/dL (the contract's default); what was stated in mmol/L is converted once, here. Whether a
value can be right, and which equation it suits, is the affair of `limits`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from consilium.tools.risk.contract import PredictRisk

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Race = Literal["white", "black"]
Unit = Literal["mg/dL", "mmol/L"]

# The factor PREVENT was published with (Khan 2024, supplement), used in both directions so that a value stated in
# mmol/L reaches the equation as it was stated. Chemistry says the same: 1 / 38.665 g/mol per dL = 0.025863.
MMOL_PER_MG = 0.02586


def to_mg(mmol_per_litre: float) -> float:
    """Cholesterol in mg/dL from mmol/L."""
    return mmol_per_litre / MMOL_PER_MG


def to_mmol(mg_per_decilitre: float) -> float:
    """Cholesterol in mmol/L from mg/dL."""
    return mg_per_decilitre * MMOL_PER_MG


@dataclass(frozen=True, kw_only=True)
class Person:
    """What is known of one person; None is not known.

    Parameters
    ----------
    age : years.
    total_cholesterol, hdl_cholesterol : mg/dL.
    systolic_bp : mmHg.
    egfr : mL/min/1.73 m2 (CKD-EPI 2021).
    bmi : kg/m2.
    hba1c : %. uacr : mg/g. sdi : decile of the Social Deprivation Index, 1 to 10.
    race : read by the Pooled Cohort Equations only.
    """

    age: float
    sex: Literal["female", "male"]
    total_cholesterol: float
    hdl_cholesterol: float
    systolic_bp: float
    bp_treated: bool = False
    diabetes: bool = False
    smoker: bool = False
    statin: bool = False
    egfr: float | None = None
    bmi: float | None = None
    hba1c: float | None = None
    uacr: float | None = None
    sdi: float | None = None
    race: Race | None = None

    @classmethod
    def from_args(cls, args: PredictRisk) -> "Person":
        """The person whom a call describes."""
        stated = args.model_dump(exclude={"cholesterol_unit"})
        if args.cholesterol_unit == "mmol/L":
            for name in ("total_cholesterol", "hdl_cholesterol"):
                stated[name] = to_mg(stated[name])
        return cls(**stated)


@dataclass(frozen=True, kw_only=True)
class People:
    """Persons in columns of the same length and order; NaN is not known. Units as in `Person`.

    `black` is 1, 0 or NaN (race not stated).
    """

    age: Numbers
    female: Flags
    total_cholesterol: Numbers
    hdl_cholesterol: Numbers
    systolic_bp: Numbers
    bp_treated: Flags
    diabetes: Flags
    smoker: Flags
    statin: Flags
    egfr: Numbers
    bmi: Numbers
    hba1c: Numbers
    uacr: Numbers
    sdi: Numbers
    black: Numbers

    def __len__(self) -> int:
        return len(self.age)

    @classmethod
    def of(cls, persons: Sequence[Person]) -> "People":
        """Persons in columns."""

        def numbers(name: str) -> Numbers:
            values = [getattr(person, name) for person in persons]
            return np.array([np.nan if value is None else value for value in values], np.float64)

        def flags(name: str) -> Flags:
            return np.array([getattr(person, name) for person in persons], np.bool_)

        return cls(
            age=numbers("age"),
            female=np.array([person.sex == "female" for person in persons], np.bool_),
            total_cholesterol=numbers("total_cholesterol"),
            hdl_cholesterol=numbers("hdl_cholesterol"),
            systolic_bp=numbers("systolic_bp"),
            bp_treated=flags("bp_treated"),
            diabetes=flags("diabetes"),
            smoker=flags("smoker"),
            statin=flags("statin"),
            egfr=numbers("egfr"),
            bmi=numbers("bmi"),
            hba1c=numbers("hba1c"),
            uacr=numbers("uacr"),
            sdi=numbers("sdi"),
            black=np.array(
                [np.nan if p.race is None else p.race == "black" for p in persons], np.float64
            ),
        )
