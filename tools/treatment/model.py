"""The network as the forecaster asks it: NumPy in, NumPy out, no gradients."""

import copy
import math

import torch
from torch import Tensor

from consilium.tools.treatment.bands import NOISES, Prediction
from consilium.tools.treatment.history import CHEMOTHERAPY, RADIOTHERAPY, Floats
from consilium.tools.treatment.network import (
    UNKNOWN_KIND,
    Belief,
    Histories,
    TreatmentNet,
    concentration,
    sigma_points,
)
from consilium.tools.treatment.simulator import DEATH_VOLUME

_SMALLEST = 1e-9  # cm3


class TrainedModel:
    """A trained network; implements `forecast.Model`. The patient's type is never known here."""

    def __init__(self, network: TreatmentNet) -> None:
        self._networks = [_noisier(network, factor) for factor in NOISES]

    @torch.inference_mode()
    def ahead(
        self, volumes: Floats, treatments: Floats, plans: Floats, noise: int = 0
    ) -> Prediction:
        """See `forecast.Model`."""
        network = self._networks[noise]
        histories = _histories(volumes, treatments)
        belief = _possible(Belief(*(values[:, -1] for values in network(histories))))
        level = concentration(histories.chemo)[:, -2]
        planned = torch.as_tensor(plans, dtype=torch.float64)
        mean, variance = network.follow(
            belief,
            histories.volumes[:, -1],
            level,
            planned[..., CHEMOTHERAPY],
            planned[..., RADIOTHERAPY],
        )
        mean = mean.clamp(_SMALLEST, DEATH_VOLUME)
        return Prediction(mean.numpy(), _log_sd(mean, variance).numpy())

    @torch.inference_mode()
    def scores(self, volumes: Floats, treatments: Floats, noise: int = 0) -> Floats:
        """See `forecast.Model`."""
        network = self._networks[noise]
        histories = _histories(volumes, treatments)
        mean, variance = network.growth(histories, network(histories))
        growth = histories.volumes[:, 1:] / histories.volumes[:, :-1] - 1
        scores: Floats = ((growth - mean) / variance.sqrt()).numpy()
        return scores


def _noisier(network: TreatmentNet, factor: float) -> TreatmentNet:
    """A copy of the network that expects this many times the daily noise."""
    copied = copy.deepcopy(network).eval()
    with torch.no_grad():
        copied.population.log_noise.add_(math.log(factor))
    return copied


def _possible(belief: Belief) -> Belief:
    """The belief as points without spread, none of them below zero.

    Growth rate and sensitivities are positive in the simulator. A normal distribution does not know that:
    it would let radiotherapy make a tumour larger where one grew in spite of it.
    """
    points, weights = sigma_points(belief)
    size = points.shape[-1]
    return Belief(weights, points.clamp(min=0), points.new_zeros(*weights.shape, size, size))


def _histories(volumes: Floats, treatments: Floats) -> Histories:
    given = torch.as_tensor(treatments, dtype=torch.float64)
    rows, visits = volumes.shape
    return Histories(
        torch.full((rows,), UNKNOWN_KIND),
        torch.as_tensor(volumes),
        given[..., CHEMOTHERAPY],
        given[..., RADIOTHERAPY],
        torch.full((rows,), visits - 1),
    )


def _log_sd(mean: Tensor, variance: Tensor) -> Tensor:
    """Standard deviation of the logarithm of a log-normal variable of this mean and variance."""
    return (variance / mean.square()).log1p().sqrt()
