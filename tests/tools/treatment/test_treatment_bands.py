"""Bands: what they cover, how they are told from those of other weights, and what gets none."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import RandomState

from consilium.tools.treatment import calibrate, counterfactuals
from consilium.tools.treatment.bands import (
    LENGTHS,
    NOISES,
    UNEXPLAINED,
    Bands,
    Prediction,
    errors,
    length_group,
    plan_classes,
    quantiles,
    response_seen,
)
from consilium.tools.treatment.forecast import explain_noise
from consilium.tools.treatment.history import MEASURABLE
from consilium.tools.treatment.simulator import DEATH_VOLUME


def steps(*given):
    return np.array(given, float)[None, None]


def test_groups_of_lengths():
    assert [length_group(visits) for visits in (2, 3, 6, 7, 60)] == [0, 1, 4, 4, len(LENGTHS) - 1]


def test_classes_of_plans():
    """Radiotherapy never, now only, or throughout; with chemotherapy one more."""
    rest = [(0, 0)] * 5
    assert plan_classes(steps(*[(0, 0)] * 6)) == 0
    assert plan_classes(steps((1, 0), *rest)) == 0  # chemotherapy now alone
    assert plan_classes(steps(*[(1, 0)] * 6)) == 1
    assert plan_classes(steps((0, 1), *rest)) == 2
    assert plan_classes(steps((1, 1), *[(1, 0)] * 5)) == 3
    assert plan_classes(steps(*[(0, 1)] * 6)) == 4
    assert plan_classes(steps(*[(1, 1)] * 6)) == 5


def test_a_response_needs_a_later_visit():
    treatments = np.zeros((2, 3, 2))
    treatments[0, 2, 1] = treatments[1, 0, 1] = 1
    assert response_seen(treatments).tolist() == [False, True]


@given(st.integers(20, 400), st.integers(0, 2**32 - 1))
def test_quantiles_leave_a_twentieth_at_either_side(count, seed):
    values = RandomState(seed).randn(count, 2)
    low, high = quantiles(values)
    assert (low <= high).all()
    assert ((values < low).mean(axis=0) <= 0.05).all()
    assert ((values > high).mean(axis=0) <= 0.05).all()


def test_bands_of_hand_computed_forecasts(bands):
    prediction = Prediction(np.full((1, 1, 6), 10.0), np.full((1, 1, 6), 0.1))
    low, high = bands.around(prediction, np.zeros((1, 2, 2)), steps(*[(0, 0)] * 6), np.array([0]))
    assert low[0, 0, 0] == pytest.approx(10 * np.exp(-0.1645))
    assert high[0, 0, 0] == pytest.approx(10 * np.exp(0.1645))


def test_bands_stay_between_nothing_and_death(bands):
    plans = np.tile(steps(*[(0, 0)] * 6), (1, 3, 1, 1))
    mean = np.tile(np.array([1e-9, 50.0, 2000.0])[None, :, None], (1, 1, 6))
    prediction = Prediction(mean, np.full((1, 3, 6), 5.0))
    low, high = bands.around(prediction, np.zeros((1, 2, 2)), plans, np.array([0]))
    assert low.min() == 0 and high.max() <= DEATH_VOLUME * (1 + 1e-12)
    assert (low <= high).all()


def test_errors_count_what_cannot_be_measured_as_the_smallest_that_can(bands):
    prediction = Prediction(np.full((1, 1, 1), MEASURABLE), np.full((1, 1, 1), 0.5))
    assert errors(prediction, np.zeros((1, 1, 1))) == 0


def test_bands_are_the_same_after_saving(tmp_path, bands):
    bands.save(tmp_path)
    assert Bands.read(tmp_path) == bands
    text = (tmp_path / "bands.json").read_text()
    assert text.count("\n") < 2500  # lists of numbers stand on one line
    assert json.loads(text)["usual"] == [3.0] * len(LENGTHS)


def test_noise_explains_what_it_can(model, bands):
    """The fake model's scores are log growth over 0.1, whatever the noise; 3 is usual."""
    volumes = np.array([[10.0, 11.0, 12.0], [10.0, 20.0, 21.0]])
    found = explain_noise(model, bands, volumes, np.zeros((2, 3, 2)))
    assert found.tolist() == [0, UNEXPLAINED]

    class Tolerant(type(model)):
        def scores(self, volumes, treatments, noise=0):
            return super().scores(volumes, treatments) / NOISES[noise]

    found = explain_noise(Tolerant(), bands, volumes, np.zeros((2, 3, 2)))
    assert found.tolist() == [0, 2]


def test_futures_follow_the_simulators_rules():
    drawn = counterfactuals.draw(8, 400, RandomState(5))
    assert drawn.volumes.shape[1] == 8
    assert drawn.volumes.min() >= MEASURABLE and drawn.volumes[:, -1].max() < DEATH_VOLUME
    assert drawn.outcomes.shape == (len(drawn), 4, 6)
    assert drawn.outcomes.min() >= 0 and drawn.outcomes.max() <= DEATH_VOLUME
    dead = drawn.outcomes == DEATH_VOLUME
    assert (dead == np.maximum.accumulate(dead, axis=-1)).all()
    none, both = drawn.outcomes[:, 0], drawn.outcomes[:, 3]
    assert (both <= none).all()  # the same noise under every plan
    kept = np.maximum(drawn.treatments[:, None, -1], 0)
    assert (drawn.plans[:, :, 0] >= kept).all()


def test_calibration_reaches_its_coverage_with_any_model(model, monkeypatch):
    """Conformal bands hold what they say even around a poor model, on patients it has not seen."""
    monkeypatch.setattr(calibrate, "LENGTHS", (2, 3))
    monkeypatch.setattr(calibrate, "_LENGTHS_PER_GROUP", 1)
    monkeypatch.setattr(calibrate, "_SCAN_ERRORS", (0.05,))
    fitted = calibrate.calibrate(model, "fake", patients=3000, seed=4)
    by_name = {row.where: row for row in fitted.measured}
    assert by_name["all"].share == pytest.approx(0.9, abs=0.02)
    for ahead in (1, 6):
        assert by_name[f"{ahead} visits ahead"].share == pytest.approx(0.9, abs=0.03)
    assert all(row.low <= row.share <= row.high for row in fitted.measured)
    assert fitted.weights_sha256 == "fake"
