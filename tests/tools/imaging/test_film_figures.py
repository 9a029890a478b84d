"""Metrics, calibration and the out-of-distribution check against cases whose answers are known."""

import numpy as np
import pytest

from consilium.tools.imaging.calibration import Calibration, fit_calibration, operating_point
from consilium.tools.imaging.logistic import sigmoid
from consilium.tools.imaging.metrics import (
    auc,
    balanced_accuracy,
    brier,
    calibration_error,
    patient_bootstrap,
    sensitivity,
    specificity,
)
from consilium.tools.imaging.novelty import fit_novelty
from consilium.tools.imaging.population import fit_population

RNG = np.random.default_rng(5)


def test_auc_by_counting_pairs():
    labels = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    scores = np.array([0.1, 0.4, 0.4, 0.8, 0.05])
    pairs = [(p > n) + 0.5 * (p == n) for p in scores[2:] for n in scores[:2]]
    assert auc(labels, scores) == pytest.approx(sum(pairs) / len(pairs))
    assert np.isnan(auc(np.ones(3), np.ones(3)))


def test_threshold_metrics():
    labels, scores = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.2, 0.6, 0.5, 0.9])
    assert sensitivity(labels, scores, 0.5) == 1
    assert specificity(labels, scores, 0.5) == 0.5
    assert balanced_accuracy(labels, scores, 0.5) == 0.75
    assert brier(labels, scores) == pytest.approx((0.04 + 0.36 + 0.25 + 0.01) / 4)


def test_calibration_error_of_honest_and_boastful_scores():
    honest = RNG.uniform(size=40_000)
    labels = (RNG.uniform(size=40_000) < honest).astype(float)
    assert calibration_error(labels, honest) < 0.01
    assert calibration_error(labels, np.round(honest)) > 0.2
    assert calibration_error(np.array([1.0]), np.array([1.0])) == 0


def test_bootstrap_draws_patients_not_films():
    labels, scores = np.tile([0.0, 1.0], 50), RNG.uniform(size=100)
    many = patient_bootstrap(auc, labels, scores, [str(i) for i in range(100)], draws=300)
    few = patient_bootstrap(auc, labels, scores, [str(i // 20) for i in range(100)], draws=300)
    assert many == patient_bootstrap(auc, labels, scores, [str(i) for i in range(100)], draws=300)
    assert many[0] < auc(labels, scores) < many[1]
    assert few != many


def simulated(films=4000):
    """Log-odds that are twice too sure and shifted by 1."""
    truth = RNG.normal(0, 2, films)
    labels = (RNG.uniform(size=films) < sigmoid(truth)).astype(float)
    patients = [str(film // 2) for film in range(films)]
    return labels, 2 * truth + 1, patients


def test_calibration_finds_temperature_and_offset():
    labels, logits, patients = simulated()
    found = fit_calibration(labels, logits, np.ones(len(labels)), patients)
    assert found.scale == pytest.approx(0.5, abs=0.05)
    assert found.offset == pytest.approx(-0.5, abs=0.12)
    assert calibration_error(labels, found.probability(logits)) < 0.03


def test_the_conformal_set_holds_the_label_of_new_films_in_nine_of_ten_cases():
    labels, logits, patients = simulated()
    found = fit_calibration(labels, logits, np.ones(len(labels)), patients)
    labels, logits, _ = simulated()
    covered = found.covered(labels, found.probability(logits))
    for label in (0, 1):
        assert covered[labels == label].mean() == pytest.approx(0.9, abs=0.02)


def test_the_operating_point_leans_to_specificity_within_the_standard_error():
    labels, logits, patients = simulated()
    probability = sigmoid(logits)
    point = operating_point(labels, probability, patients)
    grid = np.linspace(0.01, 0.99, 99)
    accuracies = [balanced_accuracy(labels, probability, t) for t in grid]
    assert point >= grid[int(np.argmax(accuracies))] - 0.01
    assert balanced_accuracy(labels, probability, point) > max(accuracies) - 0.02


def test_interval_widens_with_few_patients_and_unsteady_views():
    def width(films, spread):
        labels, logits, patients = simulated(films)
        found = fit_calibration(labels, logits, np.ones(films), patients)
        low, high = found.interval(np.array([1.0]), np.array([spread]))
        assert 0 <= low[0] < found.probability(np.array([1.0]))[0] < high[0] <= 1
        return high[0] - low[0]

    assert width(4000, 0.0) < width(150, 0.0)
    assert width(4000, 0.0) < width(4000, 0.5)


@pytest.mark.parametrize(
    ("pneumonia_from", "normal_to", "levels"),
    [
        # Classes that overlap: between .3 and .8 the set holds both labels.
        (0.3, 0.8, ["unlikely", "indeterminate", "indeterminate", "likely"]),
        # Classes far apart: between .4 and .6 it holds neither.
        (0.6, 0.4, ["unlikely", "unlikely", "likely", "likely"]),
    ],
)
def test_levels(pneumonia_from, normal_to, levels):
    words = Calibration(
        scale=1,
        offset=0,
        covariance=((0, 0), (0, 0)),
        pneumonia_from=pneumonia_from,
        normal_to=normal_to,
    )
    assert [words.level(p) for p in (0.29, 0.3, 0.79, 0.81)] == levels
    if normal_to < pneumonia_from:
        assert words.level(0.5) == "indeterminate"


def test_a_hospital_is_told_by_its_films():
    white = RNG.normal(size=(400, 5)).astype(np.float32)
    sites = ["a"] * 300 + ["b"] * 100
    white[300:, 2] += 6
    population = fit_population(white, sites)
    assert np.mean(np.array(population.of(white)) == np.array(sites)) > 0.98
    assert fit_population(white, ["a"] * 400).of(white[:2]) == ["a", "a"]


def test_novelty_of_seen_and_strange_embeddings():
    mixing = RNG.normal(size=(8, 8))
    seen = (RNG.normal(size=(2000, 8)) @ mixing).astype(np.float32)
    novelty = fit_novelty(seen)
    assert novelty.distance(seen).mean() == pytest.approx(1, abs=0.1)
    weakest = np.linalg.svd(mixing)[2][-1].astype(np.float32)
    assert novelty.distance(3 * weakest[None])[0] > novelty.distance(seen).max() / 3
    assert novelty.distance(seen[:1] + 50)[0] > novelty.distance(seen).max()
