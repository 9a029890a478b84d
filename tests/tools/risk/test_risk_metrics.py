"""Metrics against libraries where those have them, and against simulated truth where they have not."""

import numpy as np
import pytest
from lifelines.utils import concordance_index
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from consilium.tools.risk.data import CENSORED, EVENT, OTHER_DEATH, Cohort
from consilium.tools.risk.metrics import (
    auc,
    brier,
    c_index,
    calibration_intercept,
    calibration_slope,
    draws,
    expected_over_observed,
    net_benefit,
    outcomes,
)

RNG = np.random.default_rng(4)


def cohort(years, status):
    n = len(years)
    return Cohort(
        "made up", "event", np.zeros((n, 11)), np.asarray(years, float), np.asarray(status),
        np.zeros(n), np.full(n, -1), np.full(n, ""),
    )  # fmt: skip


def simulated(n=3000, censored=True, other_deaths=True):
    """People with a known 10-year risk under competing deaths, some censored between 5 and 15 years."""
    lp = RNG.normal(0, 1, n)
    hazard = 0.02 * np.exp(lp)
    rival = np.full(n, 0.02 if other_deaths else 1e-12)
    both = hazard + rival
    years = RNG.exponential(1 / both)
    status = np.where(RNG.uniform(size=n) < hazard / both, EVENT, OTHER_DEATH)
    risk = hazard / both * (1 - np.exp(-10 * both))
    end = RNG.uniform(5, 15, n) if censored else np.full(n, 20.0)
    status = np.where(end < years, CENSORED, status)
    return cohort(np.minimum(years, end), status), risk


def once(metric, truth, risk, **more):
    return float(metric(truth, risk, np.ones((1, len(truth)), np.float32), **more)[0])


def test_without_censoring_they_are_the_usual_ones():
    people, risk = simulated(400, censored=False)
    truth = outcomes(people, 10)
    label = (people.years <= 10) & (people.status == EVENT)
    np.testing.assert_array_equal(truth.event, label)
    np.testing.assert_allclose(truth.weight, 1)
    assert once(auc, truth, risk) == pytest.approx(roc_auc_score(label, risk), abs=1e-6)
    assert once(brier, truth, risk) == pytest.approx(brier_score_loss(label, risk), abs=1e-6)
    assert once(expected_over_observed, truth, risk) == pytest.approx(risk.mean() / label.mean())
    logit = np.log(risk / (1 - risk))[:, None]
    fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(logit, label)
    assert once(calibration_slope, truth, risk) == pytest.approx(fitted.coef_[0, 0], abs=1e-3)
    treated = risk >= 0.1
    wanted = (treated & label).mean() - (treated & ~label).mean() * 0.1 / 0.9
    assert once(net_benefit, truth, risk, threshold=0.1) == pytest.approx(wanted, abs=1e-6)


def test_c_index_is_that_of_lifelines():
    people, risk = simulated(300, other_deaths=False)
    risk = risk.round(2)  # ties
    truth = outcomes(people, 100)
    wanted = concordance_index(people.years, -risk, people.status == EVENT)
    assert once(c_index, truth, risk) == pytest.approx(wanted, abs=1e-6)


def test_other_deaths_stay_comparable():
    truth = outcomes(cohort([2, 1, 9], [EVENT, OTHER_DEATH, CENSORED]), 5)
    assert once(c_index, truth, np.array([0.5, 0.9, 0.1])) == 0.5
    assert once(c_index, truth, np.array([0.5, 0.4, 0.1])) == 1


def test_true_risks_are_calibrated_under_censoring():
    people, risk = simulated(40_000)
    truth = outcomes(people, 10)
    assert 0 < (truth.weight == 0).mean() < 0.6
    assert once(calibration_intercept, truth, risk) == pytest.approx(0, abs=0.06)
    assert once(calibration_slope, truth, risk) == pytest.approx(1, abs=0.06)
    assert once(expected_over_observed, truth, risk) == pytest.approx(1, abs=0.05)
    doubled = 2 * np.log(risk / (1 - risk))
    assert once(calibration_slope, truth, 1 / (1 + np.exp(-doubled))) == pytest.approx(
        0.5, abs=0.03
    )
    known = truth.weight > 0
    everyone, _ = simulated(40_000, censored=False)
    naive = truth.event[known].mean()
    fair = np.average(truth.event, weights=truth.weight)
    label = (everyone.years <= 10) & (everyone.status == EVENT)
    assert abs(fair - label.mean()) < 0.01 < abs(naive - label.mean())


def test_a_bootstrap_is_one_call():
    people, risk = simulated(300)
    truth = outcomes(people, 10)
    times = draws(300, 5, seed=0)
    assert times.shape == (5, 300) and (times.sum(axis=1) == 300).all()
    np.testing.assert_array_equal(times, draws(300, 5, seed=0))
    for metric in (auc, c_index, brier, calibration_slope, calibration_intercept):
        together = metric(truth, risk, times)
        for row, value in zip(times, together, strict=True):
            assert float(metric(truth, risk, row[None])[0]) == pytest.approx(float(value), abs=1e-4)


def test_without_events_there_is_no_figure():
    truth = outcomes(cohort([12.0, 12, 12], [CENSORED] * 3), 10)
    risk = np.array([0.1, 0.2, 0.3])
    for metric in (auc, c_index, calibration_slope):
        assert np.isnan(once(metric, truth, risk))
