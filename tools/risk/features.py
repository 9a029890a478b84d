"""What the learned model reads, in which order, and which way medicine says each input must push.

A row holds one person's values in the units of `person.Person`, NaN where a value is not known. The equations read
`People`, whose yes/no values are always known; rows are what lets a cohort that never asked about diabetes be scored.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from consilium.tools.risk.person import Flags, Numbers, People

FEATURES = (
    "age",
    "female",
    "total_cholesterol",
    "hdl_cholesterol",
    "systolic_bp",
    "bp_treated",
    "diabetes",
    "smoker",
    "statin",
    "egfr",
    "bmi",
)
INDEX: Mapping[str, int] = MappingProxyType({name: i for i, name in enumerate(FEATURES)})
YES_NO = ("female", "bp_treated", "diabetes", "smoker", "statin")
EXTRAS = ("hba1c", "uacr", "sdi", "black")  # read by equations only

# +1: more of it never lowers the risk; -1: never raises it. Sex and BMI are free: leanness and obesity both harm.
# Treated pressure marks a longer hypertension (all equations agree); a statin at equal cholesterol cannot harm.
DIRECTION: Mapping[str, int] = MappingProxyType(
    {
        "age": 1,
        "total_cholesterol": 1,
        "hdl_cholesterol": -1,
        "systolic_bp": 1,
        "bp_treated": 1,
        "diabetes": 1,
        "smoker": 1,
        "statin": -1,
        "egfr": -1,
    }
)


def rows_of(people: People) -> Numbers:
    """Persons as rows, shape (people, features)."""
    columns = [getattr(people, name).astype(np.float64) for name in FEATURES]
    return np.stack(columns, axis=1)


def people_of(rows: Numbers, extras: Mapping[str, Numbers] | None = None) -> People:
    """Rows as persons for the equations.

    A row with an unknown yes/no value gets an unknown age, so that every equation leaves it out instead of
    taking "not known" for "no".

    Parameters
    ----------
    rows : (people, features).
    extras : columns of `EXTRAS` where known, each (people,).
    """
    known = extras or {}
    nothing = np.full(len(rows), np.nan)
    undecided = np.isnan(rows[:, [INDEX[name] for name in YES_NO]]).any(axis=1)

    def column(name: str) -> Numbers:
        return rows[:, INDEX[name]]

    def flag(name: str) -> Flags:
        yes: Flags = column(name) == 1
        return yes

    return People(
        age=np.where(undecided, np.nan, column("age")),
        female=flag("female"),
        total_cholesterol=column("total_cholesterol"),
        hdl_cholesterol=column("hdl_cholesterol"),
        systolic_bp=column("systolic_bp"),
        bp_treated=flag("bp_treated"),
        diabetes=flag("diabetes"),
        smoker=flag("smoker"),
        statin=flag("statin"),
        egfr=column("egfr"),
        bmi=column("bmi"),
        hba1c=known.get("hba1c", nothing),
        uacr=known.get("uacr", nothing),
        sdi=known.get("sdi", nothing),
        black=known.get("black", nothing),
    )
