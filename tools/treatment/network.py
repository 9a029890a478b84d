"""The network: a recurrent filter that works out each patient's parameters, with a GRU that corrects it.

The law of growth and kill is given (`simulator`, Geng et al. 2017). What is not known is each patient: the
relative growth over a day is linear in the patient's growth rate, chemo- and radiosensitivity, so a mixture of
normal distributions over these three stays one after every visit, and its update is a recurrent cell with an
exact solution (a Gaussian sum filter, Alspach and Sorenson, IEEE TAC 1972). The mixture before the first visit,
the population, is learned. A GRU reads the same history and moves the result, by at most one standard
deviation of what is still unknown: it makes up for what the mixture and the law get wrong.

A future under a plan is predicted by following every component's sigma points through the law (g-computation;
Julier and Uhlmann, Proc IEEE 2004), so neither past nor future treatment choices bias it.
"""

import math
from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from consilium.tools.treatment.simulator import (
    ALPHA_BETA_RATIO,
    CAPACITY,
    CHEMO_DECAY,
    CHEMO_DOSE,
    NOISE_SD,
    RADIO_DOSE,
)

PARAMETERS = ("rho", "beta_c", "alpha")
KINDS = 3
UNKNOWN_KIND = 0

# Inside the network parameters are counted in these units (per day; per mg/m3 and day; per Gy).
_UNITS = (0.005, 0.03, 0.1)
# One application of radiotherapy kills alpha times this.
_RADIO_EFFECT = RADIO_DOSE + RADIO_DOSE**2 / ALPHA_BETA_RATIO
_SMALLEST = 1e-9  # cm3; below, the logarithm of a volume is not followed
_SIZE = len(PARAMETERS)
_EXACT = torch.float64  # the filter's precisions differ by many orders of magnitude


class NetworkConfig(BaseModel):
    """Shape of the network.

    Parameters
    ----------
    components : normal distributions in the population's mixture.
    hidden : size of the GRU's state; 0 leaves the GRU out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    components: int = 6
    hidden: int = 32


class Histories(NamedTuple):
    """What was seen of some patients.

    Parameters
    ----------
    kind : (patients,) patient type 1 to 3, or UNKNOWN_KIND.
    volumes : (patients, visits) cm3, a day apart; 0 after the last visit.
    chemo, radio : (patients, visits) 1 where the therapy was given at that visit, after measuring.
    last : (patients,) the last visit, counted from 0.
    """

    kind: Tensor
    volumes: Tensor
    chemo: Tensor
    radio: Tensor
    last: Tensor


class Ends(NamedTuple):
    """How courses ended after their last visit, where no volume was measured but a bound of it is known.

    Parameters
    ----------
    sign : (patients,) 1 where the growth was above the bound (death), -1 below (recovery), 0 not known.
    bound : (patients,) relative growth.
    """

    sign: Tensor
    bound: Tensor


class Belief(NamedTuple):
    """What is believed of the patients' parameters after each visit; a mixture of normal distributions.

    Parameters
    ----------
    weights : (patients, visits, components), adding up to 1.
    means : (patients, visits, components, 3), in the network's units.
    factors : (patients, visits, components, 3, 3) F with F F' the covariance.
    """

    weights: Tensor
    means: Tensor
    factors: Tensor

    @property
    def mean(self) -> Tensor:
        """(patients, visits, 3) mean of the mixture."""
        return (self.weights[..., None] * self.means).sum(-2)

    @property
    def sd(self) -> Tensor:
        """(patients, visits, 3) standard deviation of the mixture."""
        within = self.factors.square().sum(-1)
        between = (self.means - self.mean[..., None, :]).square()
        return (self.weights[..., None] * (within + between)).sum(-2).sqrt()

    def at(self, rows: Tensor, visits: Tensor) -> "Belief":
        """The belief about these patients at these visits."""
        return Belief(*(values[rows, visits] for values in self))


class Population(nn.Module):
    """The learned distribution of patients' parameters before the first visit, and of the daily noise."""

    def __init__(self, components: int) -> None:
        super().__init__()
        shape = (components, _SIZE)
        self.logits = nn.Parameter(torch.zeros(components, dtype=_EXACT))
        self.means = nn.Parameter(torch.rand(shape, dtype=_EXACT) * 2)
        self.kind_shift = nn.Parameter(torch.zeros(KINDS, _SIZE, dtype=_EXACT))
        # The lower triangle of each component's precision factor: its diagonal's logarithm, and the rest.
        self.log_scale = nn.Parameter(torch.zeros(shape, dtype=_EXACT))
        self.below = nn.Parameter(torch.zeros(shape, dtype=_EXACT))
        self.log_noise = nn.Parameter(torch.tensor(math.log(2 * NOISE_SD), dtype=_EXACT))
        self.register_buffer("units", torch.tensor(_UNITS, dtype=_EXACT))

    units: Tensor

    def design(self, volume: Tensor, concentration: Tensor, radio: Tensor) -> Tensor:
        """(..., 3) what the parameters are multiplied with to give the relative growth over a day."""
        growth = (CAPACITY / volume.clamp(min=_SMALLEST)).log()
        none = torch.zeros_like(growth + concentration + radio)  # of the shape they have together
        parts = (growth + none, none - concentration, none - _RADIO_EFFECT * radio)
        return torch.stack(parts, dim=-1) * self.units

    def observed(self, histories: Histories) -> tuple[Tensor, Tensor, Tensor]:
        """Design (patients, visits - 1, 3), relative growth and whether it was seen, between visits."""
        volumes = histories.volumes
        level, radio = concentration(histories.chemo), histories.radio.double()
        before = volumes[:, :-1]
        design = self.design(before, level[:, :-1], radio[:, :-1])
        seen = torch.arange(1, volumes.shape[1]) <= histories.last[:, None]
        growth = torch.where(seen, volumes[:, 1:] / before.clamp(min=_SMALLEST) - 1, 0.0)
        return design * seen[..., None], growth, seen

    def statistics(self, histories: Histories) -> tuple[Tensor, Tensor]:
        """Sums over the days of each design's square (patients, visits - 1, 3, 3) and of design x growth."""
        design, growth, _ = self.observed(histories)
        return design[..., :, None] * design[..., None, :], design * growth[..., None]

    def prior(self, kind: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log weights (patients, c), means (patients, c, 3) and precisions (c, 3, 3) before any visit.

        Where a patient's type is unknown, every type's components take part.
        """
        factor = torch.diag_embed(self.log_scale.exp()).clone()
        rows, columns = torch.tril_indices(_SIZE, _SIZE, -1)
        factor[:, rows, columns] = self.below
        precision = factor @ factor.mT  # the factor is of the precision, so nothing is inverted
        weights = self.logits.log_softmax(0)
        if (kind != UNKNOWN_KIND).all():
            return (
                weights.expand(len(kind), -1),
                self.means + self.kind_shift[kind - 1, None],
                precision,
            )
        types = torch.arange(1, KINDS + 1)
        known = torch.where(kind[:, None] == types, 0.0, -math.inf)
        given = torch.where((kind == UNKNOWN_KIND)[:, None], -math.log(KINDS), known)
        means = (self.kind_shift[:, None] + self.means).flatten(0, 1)
        return (
            (given[:, :, None] + weights).flatten(1),
            means.expand(len(kind), -1, -1),
            precision.repeat(KINDS, 1, 1),
        )

    def log_evidence(self, histories: Histories, ends: Ends) -> Tensor:
        """(patients,) log probability density of the courses' growth and ends, given their treatments."""
        squares, products = (total.sum(1, keepdim=True) for total in self.statistics(histories))
        _, growth, seen = self.observed(histories)
        joint, means, factors = (
            part[:, 0] for part in self._update(histories.kind, squares, products)
        )
        noise = self.log_noise.exp()
        alone = seen.sum(1) * (self.log_noise + 0.5 * math.log(2 * math.pi))
        alone = alone + 0.5 * growth.square().sum(1) / noise**2
        rows = torch.arange(len(histories.last))
        design = self.design(
            histories.volumes[rows, histories.last],
            concentration(histories.chemo)[rows, histories.last],
            histories.radio[rows, histories.last].double(),
        )[:, None]
        expected = (means * design).sum(-1)
        sd = ((factors * design[..., None]).sum(-2).square().sum(-1) + noise**2).sqrt()
        beyond = torch.special.log_ndtr(ends.sign[:, None] * (expected - ends.bound[:, None]) / sd)
        joint = joint + torch.where(ends.sign[:, None] != 0, beyond, 0.0)
        return joint.logsumexp(-1) - alone

    def forward(self, histories: Histories) -> Belief:
        """Believe after each visit what the visits up to it show."""
        totals = (before_each(total.cumsum(1)) for total in self.statistics(histories))
        joint, means, factors = self._update(histories.kind, *totals)
        return Belief(joint.softmax(-1), means, factors)

    def _update(
        self, kind: Tensor, squares: Tensor, products: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Log joint weights, means and covariance factors given (patients, visits, ...) sums."""
        log_weights, prior_means, prior = self.prior(kind)
        noise = self.log_noise.exp() ** 2
        pull = (prior @ prior_means[..., None])[:, None]  # (patients, 1, c, 3, 1)
        precision = squares[:, :, None] / noise + prior
        lower = torch.linalg.cholesky(precision)
        right = products[:, :, None, :, None] / noise + pull
        means = torch.cholesky_solve(right, lower)
        fit = (right * means).sum((-2, -1)) - (prior_means[:, None, ..., None] * pull).sum((-2, -1))
        log_determinant = _log_determinant(torch.linalg.cholesky(prior)) - _log_determinant(lower)
        joint = log_weights[:, None] + 0.5 * fit + 0.5 * log_determinant
        identity = torch.eye(_SIZE, dtype=lower.dtype).expand_as(lower)
        inverse = torch.linalg.solve_triangular(lower, identity, upper=False)
        return joint, means.squeeze(-1), inverse.mT


class TreatmentNet(nn.Module):
    """Population, filter and GRU."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.population = Population(config.components)
        inputs = 3 * _SIZE + 2 + KINDS
        self.gru = nn.GRU(inputs, config.hidden, batch_first=True) if config.hidden else None
        self.head = nn.Linear(config.hidden, _SIZE) if config.hidden else None
        if self.head is not None:  # start from the filter alone
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)

    def forward(self, histories: Histories) -> Belief:
        """Belief after each visit, corrected by the GRU."""
        return self.correct(histories, self.population(histories))

    def correct(self, histories: Histories, belief: Belief) -> Belief:
        """Move the filter's belief as the GRU sees fit."""
        moved = self.move(histories, belief.mean, belief.sd)
        return belief._replace(means=belief.means + moved[..., None, :])

    def move(self, histories: Histories, mean: Tensor, sd: Tensor) -> Tensor:
        """(patients, visits, 3) what the GRU adds to a belief of this mean and standard deviation."""
        if self.gru is None or self.head is None:
            return torch.zeros_like(mean)
        state, _ = self.gru(self._inputs(histories, mean, sd).float())
        return torch.tanh(self.head(state)).double() * sd

    def growth(self, histories: Histories, belief: Belief) -> tuple[Tensor, Tensor]:
        """Mean and variance (patients, visits - 1) of the growth after each visit, as it was treated."""
        design, _, _ = self.population.observed(histories)
        at_visits = Belief(*(values[:, :-1] for values in belief))
        means = (at_visits.means * design[..., None, :]).sum(-1)
        mean = (at_visits.weights * means).sum(-1)
        along = (at_visits.factors * design[..., None, :, None]).sum(-2).square().sum(-1)
        spread = along + (means - mean[..., None]).square()
        variance = (at_visits.weights * spread).sum(-1) + (2 * self.population.log_noise).exp()
        return mean, variance

    def follow(
        self,
        belief: Belief,
        volume: Tensor,
        level: Tensor,
        chemo: Tensor,
        radio: Tensor,
        below_zero: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Mean and variance of the volume under plans.

        Parameters
        ----------
        belief : about (cases,).
        volume, level : (cases,) last volume in cm3, chemotherapy concentration a day before it in mg/m3.
        chemo, radio : (cases, plans, steps) 0 or 1; step 0 is given at the last visit, after measuring.
        below_zero : let the mean count a volume that the law puts below zero, as the benchmark does, instead
            of a tumour that is gone.

        Returns
        -------
        Two (cases, plans, steps): volumes a day, two days, ... after the last visit.
        """
        points, weights = sigma_points(belief)
        # Single precision from here on: the arrays are large, and no small difference matters any more.
        rho, beta_c, alpha = (points * self.population.units).float()[:, None].unbind(-1)
        weights = weights.float()[:, None]
        now = volume.float()[:, None, None].expand(-1, chemo.shape[1], points.shape[1])
        level, noise = level[:, None], (2 * self.population.log_noise).exp().float()
        added = torch.zeros_like(now[..., 0])  # variance that the daily noise has brought
        means, variances = [], []
        for step in range(chemo.shape[2]):
            level = CHEMO_DECAY * level + CHEMO_DOSE * chemo[..., step]
            kill = beta_c * level.float()[..., None]
            kill = kill + alpha * (_RADIO_EFFECT * radio[..., step, None]).float()
            factor = 1 + rho * (CAPACITY / now.clamp(min=_SMALLEST)).log() - kill
            before = (weights * now).sum(-1)
            after = now * factor
            # A tumour that is killed stays so; none outgrows the law.
            now = after.clamp(0, CAPACITY)
            change = (weights * now).sum(-1) / before.clamp(min=_SMALLEST)
            added = added * change.square() + noise * before.square()
            mean = (weights * (after if below_zero else now)).sum(-1)
            means.append(mean.double())
            spread = (weights * (now - mean[..., None]).square()).sum(-1)
            variances.append((spread + added).double())
        return torch.stack(means, -1), torch.stack(variances, -1)

    def _inputs(self, histories: Histories, mean: Tensor, sd: Tensor) -> Tensor:
        design, growth, _ = self.population.observed(histories)
        kind = nn.functional.one_hot(histories.kind.long(), KINDS + 1)[:, None, 1:]
        size = histories.volumes.clamp(min=_SMALLEST).log() / 10
        return torch.cat(
            [
                mean,
                sd.log(),
                before_each(design),
                before_each(growth.clamp(-1, 1)[..., None]),
                size[..., None],
                kind.expand(-1, size.shape[1], -1),
            ],
            dim=-1,
        )


def concentration(chemo: Tensor) -> Tensor:
    """Chemotherapy concentration in mg/m3 after each visit's application; visits are the last axis."""
    level = torch.zeros_like(chemo[..., 0], dtype=torch.float64)
    levels = []
    for visit in range(chemo.shape[-1]):
        level = CHEMO_DECAY * level + CHEMO_DOSE * chemo[..., visit]
        levels.append(level)
    return torch.stack(levels, -1)


def before_each(values: Tensor) -> Tensor:
    """Put zeros in front along axis 1: what stood between visits becomes what was known at each visit."""
    nothing = values.new_zeros(values.shape[0], 1, *values.shape[2:])
    return torch.cat([nothing, values], dim=1)


def _log_determinant(lower: Tensor) -> Tensor:
    return 2 * lower.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def sigma_points(belief: Belief) -> tuple[Tensor, Tensor]:
    """Points (cases, c x 7, 3) and weights that have each component's mean and covariance.

    One point at the mean (weight 1/4) and two along each axis, at twice the standard deviation (1/8 each). A
    component without spread is its own only point.
    """
    if not belief.factors.any():
        return belief.means, belief.weights
    spread = 2 * belief.factors.mT  # axes in rows
    middle = belief.means[..., None, :]
    points = torch.cat([middle, middle + spread, middle - spread], dim=-2)
    shares = torch.tensor([1 / 4] + [1 / 8] * (2 * _SIZE), dtype=points.dtype)
    return points.flatten(1, 2), (belief.weights[..., None] * shares).flatten(1)
