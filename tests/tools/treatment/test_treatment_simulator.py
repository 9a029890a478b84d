"""The simulator against numbers worked out by hand, its population, its ends, and the benchmark's test sets."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import RandomState

from consilium.tools.treatment.protocol import OPTIONS, benchmark
from consilium.tools.treatment.simulator import (
    CAPACITY,
    DEATH_VOLUME,
    Patients,
    concentrations,
    confounded,
    draw_patients,
    future,
    randomised,
    simulate,
    sphere_diameter,
    sphere_volume,
    treatment_probability,
)


class Silent(RandomState):
    """No noise; every uniform draw is a half."""

    def randn(self, *shape):
        return np.zeros(shape)

    def rand(self, *shape):
        return np.full(shape, 0.5)


def patient(volume=100.0, alpha=0.05, rho=0.01, beta_c=0.03, count=1):
    full = {"first_volume": volume, "alpha": alpha, "beta": alpha / 10, "rho": rho}
    arrays = {name: np.full(count, float(value)) for name, value in full.items()}
    return Patients(kind=np.full(count, 2), beta_c=np.full(count, beta_c), **arrays)


def never(count=1):
    return randomised(np.zeros(count), np.zeros(count))


def always(count=1):
    return randomised(np.ones(count), np.ones(count))


def test_spheres():
    assert sphere_volume(13) == pytest.approx(1150.3465, abs=1e-4)
    assert sphere_diameter(np.array([sphere_volume(7.0)]))[0] == pytest.approx(7)


def test_untreated_growth_by_hand():
    courses = simulate(patient(), never(), Silent(), days=3)
    first = 100 * (1 + 0.01 * math.log(CAPACITY / 100))
    second = first * (1 + 0.01 * math.log(CAPACITY / first))
    assert courses.volumes[0].tolist() == pytest.approx([100, first, second])
    assert first == pytest.approx(104.951, abs=1e-3)
    assert courses.last[0] == 2


def test_treated_by_hand():
    courses = simulate(patient(), always(), Silent(), days=3)
    # 5 mg/m3 of chemotherapy; 2 Gy kill .05 x 2 + .005 x 4 = .12
    first = 100 * (1 + 0.01 * math.log(CAPACITY / 100) - 0.03 * 5 - 0.12)
    # on the next day half of it is left, and 5 are added
    second = first * (1 + 0.01 * math.log(CAPACITY / first) - 0.03 * 7.5 - 0.12)
    assert courses.volumes[0].tolist() == pytest.approx([100, first, second])


def test_chemotherapy_decays_by_half_a_day():
    chemo = np.array([[True, False, True, False]])
    assert concentrations(chemo)[0].tolist() == [5, 2.5, 6.25, 3.125]


def test_future_is_the_same_law():
    chemo, radio = (np.array([[[True, False]]]), np.array([[[True, True]]]))
    after = future(
        patient(), np.array([[100.0]]), np.array([[2.0]]), chemo, radio, np.zeros((1, 1, 2))
    )[0, 0]
    first = 100 * (1 + 0.01 * math.log(CAPACITY / 100) - 0.03 * 6 - 0.12)
    second = first * (1 + 0.01 * math.log(CAPACITY / first) - 0.03 * 3 - 0.12)
    assert after.tolist() == pytest.approx([first, second])


def test_death_ends_a_course_at_the_death_volume():
    courses = simulate(patient(volume=1140, rho=0.05), never(), Silent(), days=5)
    assert courses.last[0] == 1
    assert courses.volumes[0].tolist() == [1140, DEATH_VOLUME, 0, 0, 0]
    assert not courses.chemo[0, 2:].any()


def test_a_tumour_killed_outright_has_recovered():
    courses = simulate(patient(alpha=0.9), always(), Silent(), days=5)
    assert courses.last[0] == 1
    assert courses.volumes[0].tolist() == [100, 0, 0, 0, 0]


def test_few_cells_may_vanish_and_many_do_not():
    # a draw of .5 recovers where exp(-cells) > .5: below .69 cells
    cells = 1 / 5.8e8
    small = simulate(patient(volume=0.5 * cells, rho=1e-9), never(), Silent(), days=2)
    large = simulate(patient(volume=0.9 * cells, rho=1e-9), never(), Silent(), days=2)
    assert small.volumes[0, 1] == 0
    assert large.volumes[0, 1] > 0


def test_a_volume_below_zero_is_followed_to_nowhere():
    none = np.zeros((1, 1, 3))
    radio = np.array([[[True, False, False]]])
    after = future(patient(alpha=0.9), np.array([[10.0]]), np.zeros((1, 1)), none > 0, radio, none)[
        0, 0
    ]
    assert after[0] < 0
    assert np.isnan(after[1:]).all()
    gone = future(patient(), np.zeros((1, 1)), np.zeros((1, 1)), none > 0, radio, none)
    assert (gone == 0).all()


def test_treatment_probability():
    sizes = np.array([0, 6.5, 13])
    assert treatment_probability(sizes, 0).tolist() == [0.5, 0.5, 0.5]
    sigmoid_2 = 1 / (1 + math.exp(-2))
    assert treatment_probability(sizes, 4).tolist() == pytest.approx(
        [1 - sigmoid_2, 0.5, sigmoid_2]
    )


def test_the_policy_looks_back_fifteen_days():
    diameters = np.full((40, 1), 2.0)
    diameters[25:] = 8
    chemo, radio = confounded(4)(39, diameters)
    expected = treatment_probability(np.array([(2 + 14 * 8) / 15]), 4)
    assert chemo[0] == radio[0] == pytest.approx(expected[0])
    assert confounded(4)(0, diameters)[0].tolist() == [0]


def test_population():
    patients = draw_patients(40_000, RandomState(3))
    diameters = sphere_diameter(patients.first_volume)
    assert diameters.min() >= 0.3 and diameters.max() <= 13
    assert min(patients.alpha.min(), patients.rho.min()) > 0
    assert patients.beta == pytest.approx(patients.alpha / 10)
    shares = [(patients.kind == kind).mean() for kind in (1, 2, 3)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.01)
    # Mean and spread of 4,000,000 draws by scipy, cut off at zero; +- 4 standard errors here.
    assert patients.rho.mean() == pytest.approx(6.158e-3, abs=9e-5)
    second = patients.kind == 2
    assert patients.alpha[second].mean() == pytest.approx(0.1746, abs=0.004)
    assert patients.alpha[second].std() == pytest.approx(0.1082, abs=0.004)
    assert patients.beta_c[second].mean() == pytest.approx(0.028, abs=3e-5)
    assert patients.beta_c[patients.kind == 3].mean() == pytest.approx(0.0308, abs=3e-5)
    assert np.corrcoef(patients.alpha[second], patients.rho[second])[0, 1] == pytest.approx(
        0.724, abs=0.02
    )


def test_noise_of_the_daily_growth():
    many = patient(rho=1e-9, count=4000)
    courses = simulate(many, never(4000), RandomState(1), days=11)
    growth = courses.volumes[:, 1:] / courses.volumes[:, :-1] - 1
    assert growth.std() == pytest.approx(0.01, rel=0.02)


def test_confounding_treats_large_tumours():
    random = RandomState(5)
    courses = simulate(draw_patients(2000, random), confounded(4), random)
    large = courses.volumes > sphere_volume(9)
    small = (courses.volumes > 0) & (courses.volumes < sphere_volume(3))
    assert (
        courses.radio[:, 1:][large[:, 1:]].mean() > courses.radio[:, 1:][small[:, 1:]].mean() + 0.3
    )


def test_same_seed_same_courses():
    one, other = (
        simulate(draw_patients(50, random), confounded(2), random)
        for random in (RandomState(8), RandomState(8))
    )
    assert (one.volumes == other.volumes).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 10), st.integers(2, 70))
def test_courses_keep_their_promises(seed, gamma, days):
    random = RandomState(seed)
    courses = simulate(draw_patients(20, random), confounded(gamma), random, days)
    assert np.isfinite(courses.volumes).all()
    assert (courses.volumes >= 0).all() and (courses.volumes <= DEATH_VOLUME).all()
    after = np.arange(days) > courses.last[:, None]
    assert not courses.volumes[after].any()
    assert not (courses.chemo | courses.radio)[after].any()
    ended = courses.last < days - 1
    ends = courses.volumes[np.arange(20), courses.last]
    assert np.isin(ends[ended], (0, DEATH_VOLUME)).all()


@pytest.fixture(scope="module")
def drawn():
    return benchmark(2, 10, train=30, val=20, test=25)


def test_benchmark_counts(drawn):
    assert [len(drawn.train), len(drawn.val), len(drawn.one_step.patients)] == [30, 20, 25]
    assert not drawn.train.chemo[:, 0].any()
    assert drawn.one_step.outcomes.shape == (25, 59, 4)
    assert drawn.sequences["sliding_treatment"].outcomes.shape == (25, 59, 10, 5)


def test_one_step_truth_follows_from_the_patients(drawn):
    """The difference between two options is the therapy's kill, noise aside."""
    test = drawn.one_step
    rows, days = np.nonzero(np.arange(59) < test.courses.last[:, None] - 1)
    radio_only = OPTIONS.tolist().index([False, True])
    none, radio = test.outcomes[rows, days, 0], test.outcomes[rows, days, radio_only]
    kill = 2.4 * test.patients.alpha[rows] * test.courses.volumes[rows, days]
    assert none - radio == pytest.approx(kill, rel=1e-6)


def test_the_course_is_one_of_the_options(drawn):
    courses = drawn.one_step.courses
    for row in range(25):
        days = np.arange(courses.last[row])
        given = 2 * courses.chemo[row, days] + courses.radio[row, days]
        assert (
            drawn.one_step.outcomes[row, days, given] == courses.volumes[row, 1 : len(days) + 1]
        ).all()


def test_sliding_plans_treat_once(drawn):
    test = drawn.sequences["sliding_treatment"]
    assert (test.chemo[0, 0].sum(axis=1) + test.radio[0, 0].sum(axis=1)).tolist() == [1] * 10
    assert test.chemo[0, 0, :5].diagonal().all()


def test_both_kinds_of_plans_are_asked_of_the_same_patients(drawn):
    both = list(drawn.sequences.values())
    assert (both[0].patients.alpha == both[1].patients.alpha).all()
    assert both[0].chemo.mean() != both[1].chemo.mean()


def test_the_same_benchmark_twice(drawn):
    again = benchmark(2, 10, train=30, val=20, test=25)
    for mode, test in drawn.sequences.items():
        assert np.array_equal(test.outcomes, again.sequences[mode].outcomes, equal_nan=True)
