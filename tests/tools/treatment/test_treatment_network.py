"""The network: the filter against the textbook's regression, and what plans make of a belief."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import RandomState

from consilium.tools.treatment.fit import histories_of
from consilium.tools.treatment.network import (
    UNKNOWN_KIND,
    Belief,
    Ends,
    Histories,
    NetworkConfig,
    TreatmentNet,
    concentration,
)
from consilium.tools.treatment.predict import (
    filter_belief,
    least_squares_belief,
    oracle_belief,
    population_known_belief,
    seen,
)
from consilium.tools.treatment.simulator import (
    CAPACITY,
    confounded,
    draw_patients,
    randomised,
    simulate,
)


def net(components=3, hidden=0, seed=1):
    torch.manual_seed(seed)
    return TreatmentNet(NetworkConfig(components=components, hidden=hidden)).eval()


@pytest.fixture(scope="module")
def courses():
    random = RandomState(4)
    patients = draw_patients(30, random)
    policy = randomised(np.full(30, 0.3), np.full(30, 0.3))
    return patients, simulate(patients, policy, random, days=20)


def one(volumes, chemo=(), radio=(), kind=2):
    """One patient's history; treatments at visits counted from 0."""
    given = torch.zeros(2, len(volumes), dtype=torch.float64)
    given[0, list(chemo)], given[1, list(radio)] = 1, 1
    return Histories(
        torch.tensor([kind]),
        torch.tensor([volumes], dtype=torch.float64),
        given[:1],
        given[1:],
        torch.tensor([len(volumes) - 1]),
    )


def certain(rho, beta_c, alpha, network):
    parameters = torch.tensor([rho, beta_c, alpha], dtype=torch.float64) / network.population.units
    return Belief(
        torch.ones(1, 1, dtype=torch.float64),
        parameters[None, None],
        torch.zeros(1, 1, 3, 3, dtype=torch.float64),
    )


@torch.no_grad()
def test_a_single_component_is_bayesian_linear_regression(courses):
    network = net(components=1)
    population = network.population
    histories = seen(courses[1], 12)
    belief = population(histories)
    design, growth, measured = population.observed(histories)
    _, prior_mean, prior = population.prior(histories.kind)
    for row in (0, 7, 20):
        x = design[row].numpy()[measured[row].numpy()]
        y = growth[row].numpy()[measured[row].numpy()]
        noise = population.log_noise.exp().item() ** 2
        precision = x.T @ x / noise + prior[0].numpy()
        mean = np.linalg.solve(
            precision, x.T @ y / noise + prior[0].numpy() @ prior_mean[row, 0].numpy()
        )
        assert belief.means[row, -1, 0].numpy() == pytest.approx(mean, rel=1e-8)
        factor = belief.factors[row, -1, 0].numpy()
        assert factor @ factor.T == pytest.approx(np.linalg.inv(precision), rel=1e-6)


@torch.no_grad()
def test_evidence_is_the_product_of_one_step_predictions(courses):
    """p(y1, y2, ...) = p(y1) p(y2 | y1) ..., whichever way it is computed."""
    network = net(components=1)
    histories, ends = histories_of(courses[1])
    open_ended = Ends(torch.zeros_like(ends.sign), ends.bound)
    whole = network.population.log_evidence(histories, open_ended)
    mean, variance = network.growth(histories, network(histories))
    _, growth, measured = network.population.observed(histories)
    steps = -0.5 * ((growth - mean).square() / variance + (2 * math.pi * variance).log())
    assert (steps * measured).sum(1).numpy() == pytest.approx(whole.numpy(), rel=1e-8)


@torch.no_grad()
def test_an_end_out_of_bounds_counts_as_its_probability():
    network = net(components=1)
    histories = one([100.0, 101.0])
    bound = torch.tensor([0.05])
    none, above, below = (
        network.population.log_evidence(histories, Ends(torch.tensor([sign]), bound)).item()
        for sign in (0.0, 1.0, -1.0)
    )
    assert math.exp(above - none) + math.exp(below - none) == pytest.approx(1)


@torch.no_grad()
def test_unknown_type_is_the_mixture_of_the_three():
    network = net()
    network.population.kind_shift.copy_(torch.arange(9).reshape(3, 3) / 5)
    volumes = [50.0, 52.0, 49.0, 45.0]
    beliefs = [network(one(volumes, chemo=[1], kind=kind)) for kind in (1, 2, 3)]
    evidence = torch.stack(
        [
            network.population.log_evidence(
                one(volumes, chemo=[1], kind=kind), Ends(torch.zeros(1), torch.zeros(1))
            )
            for kind in (1, 2, 3)
        ]
    ).softmax(0)
    expected = sum(
        share * belief.mean[0, -1] for share, belief in zip(evidence, beliefs, strict=True)
    )
    mixed = network(one(volumes, chemo=[1], kind=UNKNOWN_KIND))
    assert mixed.mean[0, -1].numpy() == pytest.approx(expected.numpy())
    assert mixed.weights[0, -1].sum().item() == pytest.approx(1)


@torch.no_grad()
def test_what_comes_later_does_not_change_an_earlier_belief():
    network = net(hidden=8)
    torch.nn.init.normal_(network.head.weight)
    short, long = one([50.0, 52.0, 49.0]), one([50.0, 52.0, 49.0, 20.0, 90.0], radio=[3])
    for early, late in zip(network(short), network(long), strict=True):
        assert late[:, :3].numpy() == pytest.approx(early.numpy())


@torch.no_grad()
def test_the_gru_moves_by_less_than_a_standard_deviation():
    network = net(hidden=8)
    torch.nn.init.normal_(network.head.weight, std=50)
    history = one([50.0, 52.0, 49.0], chemo=[0])
    before = network.population(history)
    moved = network.correct(history, before).mean - before.mean
    assert (moved.abs() <= before.sd + 1e-12).all()
    assert moved.abs().max() > 0


@torch.no_grad()
def test_an_untrained_gru_changes_nothing():
    network = net(hidden=8)
    history = one([50.0, 52.0, 49.0])
    assert (network(history).means == network.population(history).means).all()


@torch.no_grad()
def test_following_a_certain_belief_by_hand():
    network = net()
    belief = certain(0.01, 0.03, 0.05, network)
    chemo, radio = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[1.0, 1.0]]])
    mean, variance = network.follow(
        belief,
        torch.tensor([100.0]),
        torch.tensor([2.0]),
        chemo,
        radio,
    )
    first = 100 * (1 + 0.01 * math.log(CAPACITY / 100) - 0.03 * 6 - 2.4 * 0.05)
    factor = 1 + 0.01 * math.log(CAPACITY / first) - 0.03 * 3 - 2.4 * 0.05
    assert mean[0, 0].tolist() == pytest.approx([first, first * factor])
    noise = network.population.log_noise.exp().item() ** 2
    expected = [noise * 100**2, noise * 100**2 * factor**2 + noise * first**2]
    assert variance[0, 0].tolist() == pytest.approx(expected)


@torch.no_grad()
def test_sigma_points_have_the_mixtures_mean_and_variance():
    """One untreated day is linear in rho, so mean and variance are exact."""
    network = net(components=2)
    belief = network(one([100.0, 104.0])).at(torch.tensor([0]), torch.tensor([1]))
    none = torch.zeros(1, 1, 1)
    mean, variance = network.follow(belief, torch.tensor([104.0]), torch.zeros(1), none, none)
    slope = 104 * math.log(CAPACITY / 104) * network.population.units[0]
    assert mean.item() == pytest.approx((104 + slope * belief.mean[0, 0]).item(), rel=1e-5)
    noise = network.population.log_noise.exp() ** 2 * 104**2
    expected = (slope * belief.sd[0, 0]).square() + noise
    assert variance.item() == pytest.approx(expected.item(), rel=1e-3)


@torch.no_grad()
def test_a_tumour_killed_outright_stays_gone():
    network = net()
    belief = certain(0.01, 0.03, 0.9, network)
    none, radio = torch.zeros(1, 1, 3), torch.tensor([[[1.0, 0.0, 0.0]]])
    volume, level = torch.tensor([100.0]), torch.zeros(1)
    mean, _ = network.follow(belief, volume, level, none, radio)
    assert mean[0, 0].tolist() == [0, 0, 0]
    counted, _ = network.follow(belief, volume, level, none, radio, below_zero=True)
    assert counted[0, 0, 0] < 0


def test_concentration():
    assert concentration(torch.tensor([[1.0, 0, 1, 0]])).tolist() == [[5, 2.5, 6.25, 3.125]]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(0.01, 1150), min_size=1, max_size=60),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)
def test_any_history_gives_a_finite_belief_and_future(volumes, kind, chemo, radio):
    network = net(hidden=4)
    visits = range(len(volumes))
    history = one(volumes, visits if chemo else (), visits if radio else (), kind)
    with torch.no_grad():
        belief = network(history).at(torch.tensor([0]), history.last)
        plans = torch.ones(1, 2, 6)
        mean, variance = network.follow(
            belief, history.volumes[:, -1], torch.zeros(1), plans, plans
        )
    assert torch.isfinite(torch.cat([mean, variance])).all()
    assert (variance >= 0).all() and (mean >= 0).all()


def test_baselines(courses):
    patients, followed = courses
    histories = seen(followed, 20)
    network = net(components=1)
    oracle = oracle_belief(network, patients, 20).mean * network.population.units
    assert oracle[3, 5].tolist() == pytest.approx(
        [patients.rho[3], patients.beta_c[3], patients.alpha[3]]
    )
    known = population_known_belief(histories).mean * network.population.units
    fitted = least_squares_belief(network, histories).mean * network.population.units
    assert fitted[:, 0].abs().max() == 0  # one visit tells nothing
    rows = np.flatnonzero(followed.last == 19)
    truth = oracle[rows, -1, 2]
    for found in (known, fitted):
        assert (found[rows, -1, 2] - truth).abs().mean() < 0.02  # after some radiotherapy
    start = known[:, 0, 2].mean().item()
    assert start == pytest.approx(0.176, abs=0.02)  # the population's mean
    assert filter_belief(network, histories).means.shape == (30, 20, 1, 3)


def test_death_and_recovery_are_no_measured_volumes():
    random = RandomState(2)
    followed = simulate(draw_patients(800, random), confounded(1), random)
    histories, ends = histories_of(followed)
    rows = np.arange(800)
    volumes = followed.volumes[rows, histories.last.numpy()]
    assert ((volumes > 0) & (volumes < 1150)).all()
    died = followed.volumes.max(axis=1) > 1150.3
    assert (ends.sign.numpy()[died] == 1).all()
    assert (ends.bound.numpy()[died] > 0).all()
    gone = followed.volumes[rows, followed.last] == 0
    assert set(ends.sign.numpy()[gone]) <= {0, -1}
    assert (ends.sign.numpy()[~died & ~gone] == 0).all()
