"""Predictions for the benchmark's test sets, by a network and by what it is compared with.

A predictor is a belief about each patient's parameters after each visit, followed through the law of growth:
the network's own; the truth (the oracle, whose error is the daily noise alone); what the visits tell to one
who knows the simulator's population exactly, which no method can beat on average; or a least-squares fit of
the law to the patient's visits without any knowledge of other patients.
"""

import math

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from consilium.tools.treatment.network import (
    PARAMETERS,
    Belief,
    Histories,
    Population,
    TreatmentNet,
    before_each,
    concentration,
)
from consilium.tools.treatment.protocol import OPTIONS, OneStepTest, SequenceTest
from consilium.tools.treatment.simulator import (
    ALPHA,
    ALPHA_RHO_CORRELATION,
    ALPHA_SHIFT,
    BETA_C,
    BETA_C_SHIFT,
    NOISE_SD,
    RHO,
    Array,
    Courses,
    Patients,
)

_BATCH = 4096  # questions followed at once
_POINTS = 128  # drawn from a belief that is cut off at zero
_WEAK = 2.0  # standard deviation of a parameter in the least-squares fit, in the network's units


def seen(courses: Courses, days: int) -> Histories:
    """The visits on which something is asked."""
    return Histories(
        torch.as_tensor(courses.kind),
        torch.as_tensor(courses.volumes[:, :days]),
        torch.as_tensor(courses.chemo[:, :days]).double(),
        torch.as_tensor(courses.radio[:, :days]).double(),
        torch.as_tensor(np.minimum(courses.last, days - 1)),
    )


@torch.inference_mode()
def network_belief(network: TreatmentNet, histories: Histories) -> Belief:
    """What the network believes after each visit."""
    belief: Belief = network(histories)
    return belief


@torch.inference_mode()
def filter_belief(network: TreatmentNet, histories: Histories) -> Belief:
    """What the network's filter believes before the GRU corrects it."""
    belief: Belief = network.population(histories)
    return belief


@torch.inference_mode()
def oracle_belief(network: TreatmentNet, patients: Patients, days: int) -> Belief:
    """The truth, known from the first visit on."""
    truth = np.stack([getattr(patients, name) for name in PARAMETERS], axis=-1)
    means = torch.as_tensor(truth) / network.population.units
    return _certain(means[:, None].expand(-1, days, -1))


@torch.inference_mode()
def population_known_belief(histories: Histories) -> Belief:
    """The exact belief of one who knows how the simulator draws its patients.

    Before cutting off at zero the population is normal, so the belief is normal, cut off likewise; it is
    represented by quasi-random points.
    """
    population = _true_population()
    belief = population(histories)
    engine = torch.quasirandom.SobolEngine(  # type: ignore[no-untyped-call]
        len(PARAMETERS), scramble=True, seed=1
    )
    normal = torch.special.ndtri(engine.draw(_POINTS, dtype=torch.float64).clamp(1e-9, 1 - 1e-9))
    points = belief.means + (belief.factors @ normal.T).squeeze(2).mT
    least = torch.zeros(len(histories.kind), 1, 1, len(PARAMETERS), dtype=torch.float64)
    least[histories.kind == 1, ..., PARAMETERS.index("alpha")] = ALPHA_SHIFT
    inside = (points > least / population.units).all(
        -1
    ) + 1e-12  # where no point is, all count the same
    weights = inside / inside.sum(-1, keepdim=True)
    return Belief(weights, points, torch.zeros(1).expand(*points.shape, points.shape[-1]))


def _true_population() -> Population:
    """The simulator's own population, as the network would have to learn it."""
    population = Population(1)
    units = population.units
    shared = ALPHA_RHO_CORRELATION * ALPHA[1] * RHO[1]
    covariance = torch.tensor(
        [[RHO[1] ** 2, 0, shared], [0, BETA_C[1] ** 2, 0], [shared, 0, ALPHA[1] ** 2]],
        dtype=units.dtype,
    )
    factor = torch.linalg.cholesky(torch.linalg.inv(covariance / (units[:, None] * units)))
    rows, columns = torch.tril_indices(len(units), len(units), -1)
    population.log_noise.fill_(math.log(NOISE_SD))
    population.means.copy_(torch.tensor([[RHO[0], BETA_C[0], ALPHA[0]]]) / units)
    population.kind_shift[0, PARAMETERS.index("alpha")] = ALPHA_SHIFT / units[2]
    population.kind_shift[2, PARAMETERS.index("beta_c")] = BETA_C_SHIFT / units[1]
    population.log_scale.copy_(factor.diagonal().log()[None])
    population.below.copy_(factor[rows, columns][None])
    return population


@torch.inference_mode()
def least_squares_belief(network: TreatmentNet, histories: Histories) -> Belief:
    """Ridge regression of the patient's own growth, drawn weakly to zero."""
    squares, products = network.population.statistics(histories)
    squares, products = (before_each(part.cumsum(1)) for part in (squares, products))
    ridge = torch.eye(len(PARAMETERS), dtype=squares.dtype) * (NOISE_SD / _WEAK) ** 2
    return _certain(torch.linalg.solve(squares + ridge, products[..., None]).squeeze(-1))


@torch.inference_mode()
def predict_one_step(network: TreatmentNet, belief: Belief, test: OneStepTest) -> Array:
    """(patients, days, 4) expected volumes on the next day under OPTIONS."""
    patients, days, options = test.outcomes.shape
    plans = np.broadcast_to(OPTIONS[:, None], (patients, days, options, 1, 2))
    return _follow(network, belief, test.courses, plans)[..., 0]


@torch.inference_mode()
def predict_sequences(network: TreatmentNet, belief: Belief, test: SequenceTest) -> Array:
    """(patients, days, plans, 5) expected volumes from two steps ahead on."""
    days = test.outcomes.shape[1]
    plans = np.stack([test.chemo, test.radio], axis=-1)
    own = np.stack([test.courses.chemo, test.courses.radio], axis=-1)[:, :days, None, None]
    first = np.broadcast_to(own, (*plans.shape[:3], 1, 2))
    return _follow(network, belief, test.courses, np.concatenate([first, plans], axis=3))[..., 1:]


def _follow(network: TreatmentNet, belief: Belief, courses: Courses, plans: np.ndarray) -> Array:
    days = plans.shape[1]
    result = np.zeros(plans.shape[:-1])
    volumes = torch.as_tensor(courses.volumes)
    level = concentration(torch.as_tensor(courses.chemo).double())
    before = before_each(level[:, :-1])
    asked = torch.as_tensor(np.argwhere(np.arange(days) < courses.last[:, None]))
    for part in tqdm(torch.split(asked, _BATCH), desc="following plans", leave=False, disable=None):
        rows, visits = part.T
        treated = torch.as_tensor(plans[rows, visits]).double()
        means, _ = network.follow(
            belief.at(rows, visits),
            volumes[rows, visits],
            before[rows, visits],
            treated[..., 0],
            treated[..., 1],
            below_zero=True,
        )
        result[rows, visits] = means.numpy()
    return result


def _certain(means: Tensor) -> Belief:
    """A belief without doubt in (patients, visits, 3) parameters."""
    size = means.shape[-1]
    return Belief(
        torch.ones(*means.shape[:-1], 1, dtype=means.dtype),
        means[..., None, :],
        torch.zeros(*means.shape[:-1], 1, size, size, dtype=means.dtype),
    )
