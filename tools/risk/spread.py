"""How far an equation's number moves when the same person is measured again.

An equation has no interval of its own. What is known is how much one reading says of a person: within-person
variation of systolic pressure between visits, SD 7.7 mmHg (Muntner et al., Hypertension 2011;57:160, NHANES III), of
total and HDL cholesterol, CV 6.1 and 7.4 % (Smith et al., Clin Chem 1993;39:1012), and of creatinine, CV 5.2 %
(Front Med 2022;9:1009358), which moves eGFR by 1.2 times as much (CKD-EPI 2021).
"""

import numpy as np

from consilium.tools.risk import prevent
from consilium.tools.risk.features import INDEX
from consilium.tools.risk.person import Numbers

DRAWS = 1024
_SD_SYSTOLIC = 7.7
_CV = {"total_cholesterol": 0.061, "hdl_cholesterol": 0.074, "egfr": 1.2 * 0.052}
_SEED = 11
_MIDDLE = (2.5, 97.5)


def remeasured(row: Numbers, filled: Numbers) -> Numbers:
    """One person as measured again and again, shape (DRAWS, features); the same on every call.

    Parameters
    ----------
    row : (features,) what is stated, NaN where nothing is. What is not stated varies over its fillings only.
    filled : (fillings, features).

    Returns
    -------
    Rows whose measured values stay inside the ranges of PREVENT.
    """
    rng = np.random.default_rng(_SEED)
    rows = filled[np.arange(DRAWS) % len(filled)].copy()
    noise = rng.standard_normal((len(_CV) + 1, DRAWS))
    rows[:, INDEX["systolic_bp"]] += _SD_SYSTOLIC * noise[0]
    for (name, cv), draw in zip(_CV.items(), noise[1:], strict=True):
        if np.isfinite(row[INDEX[name]]):
            rows[:, INDEX[name]] *= np.exp(cv * draw)
    for limit in prevent.LIMITS:
        if limit.name != "age":
            column = rows[:, INDEX[limit.name]]
            np.clip(column, limit.low, limit.high, out=column)
    return rows


def middle(risks: Numbers) -> tuple[float, float]:
    """The middle 95 % of risks."""
    low, high = np.nanpercentile(risks, _MIDDLE)
    return float(low), float(high)
