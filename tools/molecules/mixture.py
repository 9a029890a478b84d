"""A mixture of normal distributions, fitted to codes by expectation and maximisation.

Codes lie in clumps, as what molecules are made of comes in whole numbers; one normal distribution is
far from them.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

_FIRST_ROUNDS = 8  # of k-means, to begin with
_SHRINK = 50.0  # molecules' worth of `_SPREAD` in each covariance
_SPREAD = 0.5
_LEAST = 1e-4  # share of a code in a part, from which it counts


class Mixture(NamedTuple):
    """K parts: `shares` (K,), `means` (K, d) and Cholesky `factors` (K, d, d) of the covariances."""

    shares: Tensor
    means: Tensor
    factors: Tensor


def fit(codes: Tensor, parts: int, rounds: int, seed: int) -> Mixture:
    """Fit to (n, d) codes."""
    generator = torch.Generator().manual_seed(seed)
    means = codes[torch.randperm(len(codes), generator=generator)[:parts]]
    for _ in range(_FIRST_ROUNDS):
        nearest = (means.square().sum(1) - 2 * codes @ means.T).argmin(1)
        count = torch.bincount(nearest, minlength=parts)[:, None].clamp(min=1)
        means = torch.zeros_like(means).index_add_(0, nearest, codes) / count
    belongs = torch.nn.functional.one_hot(nearest, parts).float()
    for _ in range(rounds):
        mixture = _maximise(codes, belongs)
        belongs = log_densities(codes, mixture).softmax(1)
    return mixture


def log_densities(codes: Tensor, mixture: Mixture) -> Tensor:
    """Return (n, K): log density of each code and part; their logsumexp is the mixture's."""
    found = []
    for share, mean, factor in zip(*mixture, strict=True):
        apart = torch.linalg.solve_triangular(factor, (codes - mean).T, upper=False)
        volume = factor.diagonal().log().sum()
        found.append(share.log() - volume - apart.square().sum(0) / 2)
    return torch.stack(found, 1) - codes.shape[1] * math.log(2 * math.pi) / 2


def _maximise(codes: Tensor, belongs: Tensor) -> Mixture:
    size = belongs.sum(0) + 1e-3
    means = (belongs.T @ codes) / size[:, None]
    round_one = torch.eye(codes.shape[1])
    factors = []
    for part, mean in enumerate(means):
        weight = belongs[:, part]
        counted = weight > _LEAST
        apart = codes[counted] - mean
        inner = (apart * weight[counted, None]).T @ apart
        covariance = (inner + _SHRINK * _SPREAD * round_one) / (size[part] + _SHRINK)
        factors.append(torch.linalg.cholesky(covariance))
    return Mixture(size / size.sum(), means, torch.stack(factors))
