"""Contributions and what-ifs against slow, plain ways of computing the same."""

from itertools import permutations

import numpy as np
import pytest

from consilium.tools.risk import explain, prevent
from consilium.tools.risk.features import FEATURES, INDEX, people_of

RNG = np.random.default_rng(3)
PLAYERS = ("age", "systolic_bp", "smoker", "diabetes")


def people(count):
    rows = np.zeros((count, len(FEATURES)))
    rows[:, INDEX["age"]] = RNG.uniform(35, 75, count)
    rows[:, INDEX["total_cholesterol"]] = RNG.uniform(140, 300, count)
    rows[:, INDEX["hdl_cholesterol"]] = RNG.uniform(30, 90, count)
    rows[:, INDEX["systolic_bp"]] = RNG.uniform(100, 180, count)
    rows[:, INDEX["egfr"]] = RNG.uniform(62, 120, count)
    rows[:, INDEX["bmi"]] = 27
    for name in ("female", "smoker", "diabetes", "bp_treated", "statin"):
        rows[:, INDEX[name]] = RNG.integers(0, 2, count)
    return rows


def predict(rows):
    return prevent.risk(people_of(rows), extrapolate=True)


def test_they_are_the_average_over_all_orders():
    person, others = people(1).repeat(6, axis=0), people(6)
    found = explain.shapley(predict, person, others, PLAYERS)
    wanted = dict.fromkeys(PLAYERS, 0.0)
    orders = list(permutations(PLAYERS))
    for order in orders:
        rows = person.copy()
        rows[:, [INDEX[n] for n in PLAYERS]] = others[:, [INDEX[n] for n in PLAYERS]]
        before = predict(rows).mean()
        for name in order:
            rows[:, INDEX[name]] = person[:, INDEX[name]]
            wanted[name] += (predict(rows).mean() - before) / len(orders)
            before = predict(rows).mean()
    assert found.by_feature == pytest.approx(wanted, abs=1e-12)


def test_they_add_up_to_the_estimate():
    person, others = people(1).repeat(5, axis=0), people(5)
    found = explain.shapley(predict, person, others, FEATURES)
    total = found.base + sum(found.by_feature.values())
    assert total == pytest.approx(predict(person).mean())
    assert found.by_feature["bmi"] == pytest.approx(0)  # PREVENT's total CVD does not read it


def patient(**values):
    row = np.zeros((1, len(FEATURES)))
    usual = {"age": 60, "total_cholesterol": 240, "hdl_cholesterol": 40, "systolic_bp": 160}
    for name, value in (usual | {"egfr": 80, "bmi": 27, "smoker": 1} | values).items():
        row[0, INDEX[name]] = value
    return row


def test_goals_are_recomputed():
    row = patient()
    found = explain.what_if(predict, row)
    assert set(found) == {"smoking", "systolic_bp", "total_cholesterol", "statin", "all"}
    assert found["smoking"] == pytest.approx(predict(patient(smoker=0))[0])
    assert found["systolic_bp"] == pytest.approx(predict(patient(systolic_bp=130, bp_treated=1))[0])
    assert found["total_cholesterol"] == pytest.approx(predict(patient(total_cholesterol=180))[0])
    on_statin = patient(statin=1, total_cholesterol=40 + 0.7 * 200)
    assert found["statin"] == pytest.approx(predict(on_statin)[0])
    together = patient(statin=1, total_cholesterol=180, smoker=0, systolic_bp=130, bp_treated=1)
    assert found["all"] == pytest.approx(predict(together)[0])
    now = predict(row)[0]
    added_up = now + sum(found[name] - now for name in found if name != "all")
    assert found["all"] != pytest.approx(added_up, abs=0.01)
    np.testing.assert_array_equal(row, patient())  # nothing was changed in place


def test_reached_goals_are_left_out():
    fine = patient(smoker=0, systolic_bp=124, total_cholesterol=170, statin=1)
    assert explain.what_if(predict, fine) == {}
    assert set(
        explain.what_if(predict, patient(systolic_bp=124, total_cholesterol=170, statin=1))
    ) == {"smoking"}
