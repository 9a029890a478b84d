"""Why an estimate is what it is, and what it would be otherwise.

Contributions are exact Shapley values (Lundberg & Lee, NeurIPS 2017, interventional): every coalition of the stated
values is evaluated, the others replaced by those of people of the reference sample. They add up to the difference
between this person's estimate and the mean estimate of those people. What-ifs are recomputed with the changed value,
never added up.
"""

from collections.abc import Callable, Mapping
from math import factorial
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from consilium.tools.risk.features import INDEX
from consilium.tools.risk.person import Numbers

Predict = Callable[[Numbers], Numbers]

SYSTOLIC_GOAL = 130.0  # mmHg
CHOLESTEROL_GOAL = 180.0  # mg/dL
# A moderate-intensity statin lowers LDL cholesterol by 30 to 49 % (2018 AHA/ACC cholesterol guideline, Table 3); the
# lower end, on non-HDL cholesterol.
STATIN_EFFECT = 0.30


class Contributions(NamedTuple):
    """Mean risk of the people compared with, and what each stated value adds to it; fractions."""

    base: float
    by_feature: dict[str, float]


def shapley(
    predict: Predict, filled: Numbers, others: Numbers, players: tuple[str, ...]
) -> Contributions:
    """Exact Shapley values of one person's estimate.

    Parameters
    ----------
    predict : risk of (rows, features) without gaps, shape (rows,).
    filled : (fillings, features), the person's own values, once with each filling of the gaps.
    others : (fillings, features), people to compare with; the i-th takes the i-th filling of the gaps.
    players : the features whose contribution is asked for; the rest stay as in `filled`.
    """
    count = len(players)
    columns = [INDEX[name] for name in players]
    coalitions = (np.arange(2**count)[:, None] >> np.arange(count)) & 1 == 1
    rows = np.repeat(filled[None], len(coalitions), axis=0)
    rows[:, :, columns] = np.where(coalitions[:, None], filled[:, columns], others[:, columns])
    values = predict(rows.reshape(-1, filled.shape[1])).reshape(rows.shape[:2]).mean(axis=1)
    sizes = coalitions.sum(axis=1)
    share = np.array(
        [factorial(s) * factorial(count - s - 1) / factorial(count) for s in range(count)]
    )
    by_feature = {}
    for player, name in enumerate(players):
        without = np.flatnonzero(~coalitions[:, player])
        gain = values[without | (1 << player)] - values[without]
        by_feature[name] = float((share[sizes[without]] * gain).sum())
    return Contributions(float(values[0]), by_feature)


def _stop_smoking(rows: Numbers) -> None:
    rows[:, INDEX["smoker"]] = 0


def _lower_pressure(rows: Numbers) -> None:
    high = rows[:, INDEX["systolic_bp"]] > SYSTOLIC_GOAL
    rows[high, INDEX["systolic_bp"]] = SYSTOLIC_GOAL
    rows[high, INDEX["bp_treated"]] = 1  # as a statin is: a goal is reached by treatment


def _lower_cholesterol(rows: Numbers) -> None:
    total = rows[:, INDEX["total_cholesterol"]]
    np.minimum(total, CHOLESTEROL_GOAL, out=total)


def _start_statin(rows: Numbers) -> None:
    off = rows[:, INDEX["statin"]] == 0
    total, hdl = rows[off, INDEX["total_cholesterol"]], rows[off, INDEX["hdl_cholesterol"]]
    rows[off, INDEX["total_cholesterol"]] = hdl + (1 - STATIN_EFFECT) * (total - hdl)
    rows[off, INDEX["statin"]] = 1


# In the order in which they are applied together: the cholesterol goal bounds what the statin leaves.
GOALS: Mapping[str, Callable[[Numbers], None]] = MappingProxyType(
    {
        "smoking": _stop_smoking,
        "systolic_bp": _lower_pressure,
        "statin": _start_statin,
        "total_cholesterol": _lower_cholesterol,
    }
)
TOGETHER = "all"


def what_if(predict: Predict, filled: Numbers) -> dict[str, float]:
    """Risk with each goal reached that is not yet, and with all of them; empty where all are.

    Parameters
    ----------
    filled : as in `shapley`; the fillings stay, so that only what a goal changes is changed.
    """
    found = {}
    together = filled.copy()
    for name, apply in GOALS.items():
        changed = filled.copy()
        apply(changed)
        apply(together)
        if (changed != filled).any():
            found[name] = float(predict(changed).mean())
    if len(found) > 1:
        found[TOGETHER] = float(predict(together).mean())
    return found
