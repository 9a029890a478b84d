"""What the learned model is compared with: logistic regression, gradient boosting, Cox and an MLP.

They are fitted to the evaluated cohort itself and measured by cross-validation, each person by a fit that never saw
them: at home, where the learned model may be a guest. All read every column that the cohort has. The classifiers
learn the event by the horizon, weighted as it is measured; Cox uses everyone's time.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from consilium.tools.risk.data import Cohort
from consilium.tools.risk.metrics import Outcomes
from consilium.tools.risk.person import Numbers

FOLDS = 10
_SEED = 7
_COX_PENALTY = 1e-3
_CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "logistic regression": lambda: LogisticRegression(max_iter=500),
    "gradient boosting": lambda: HistGradientBoostingClassifier(
        max_iter=120, learning_rate=0.04, max_leaf_nodes=6, min_samples_leaf=40, random_state=_SEED
    ),
    "MLP": lambda: MLPClassifier((16,), alpha=10.0, solver="lbfgs", random_state=_SEED),
}
RIVALS = (*_CLASSIFIERS, "Cox")


def cross_validated(cohort: Cohort, truth: Outcomes) -> dict[str, Numbers]:
    """Each rival's risk of each person, shape (people,), by a fit without that person.

    Empty where the cohort has too few events to be split.
    """
    if truth.event.sum() < 2 * FOLDS:
        return {}
    varies = [len(np.unique(column[~np.isnan(column)])) > 1 for column in cohort.rows.T]
    rows = cohort.rows[:, varies]
    years, died = cohort.time_at_risk(truth.horizon)
    risks = {name: np.full(len(rows), np.nan) for name in RIVALS}
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=_SEED).split(rows, truth.event)
    for learn, test in tqdm(folds, total=FOLDS, desc="rivals", unit="fold", leave=False):
        prepare = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        x, new = prepare.fit_transform(rows[learn]), prepare.transform(rows[test])
        for name, make in _CLASSIFIERS.items():
            risks[name][test] = _classified(make, x, truth.where(learn), new)
        risks["Cox"][test] = _cox(x, years[learn], died[learn], new, truth.horizon)
    return risks


def _classified(make: Callable[[], Any], x: Numbers, truth: Outcomes, new: Numbers) -> Numbers:
    known = truth.weight > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = make().fit(x[known], truth.event[known], sample_weight=truth.weight[known])
    risk: Numbers = fitted.predict_proba(new)[:, 1]
    return risk


def _cox(x: Numbers, years: Numbers, died: Numbers, new: Numbers, horizon: float) -> Numbers:
    table = pd.DataFrame(x).assign(years=years, died=died)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifelines on columns of little variance
        fitted = CoxPHFitter(penalizer=_COX_PENALTY).fit(table, "years", "died")
    survival = fitted.predict_survival_function(pd.DataFrame(new), times=[horizon])
    return np.asarray(1 - survival.to_numpy()[0], np.float64)
