"""Weighted logistic regression with a ridge, by Newton's method."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_STEPS = 30


def fit_logistic(
    design: Numbers, labels: Numbers, weights: Numbers, prior: Numbers, ridge: float
) -> Numbers:
    """Return the (d,) coefficients.

    Parameters
    ----------
    design : (n, d), with a column of ones where an offset is wanted.
    labels, weights : (n,) 0 or 1; how much each row counts.
    prior, ridge : (d,) coefficients towards which the ridge pulls, and how strongly.
    """
    beta = prior.astype(np.float64)
    for _ in range(_STEPS):
        p = sigmoid(design @ beta)
        slope = design.T @ (weights * (labels - p)) - ridge * (beta - prior)
        curve = (design * (weights * p * (1 - p))[:, None]).T @ design
        step = np.linalg.solve(curve + ridge * np.eye(len(beta)), slope)
        beta = beta + step.clip(-1, 1)
        if np.abs(step).max() < 1e-6:
            break
    return beta


def sigmoid(x: Numbers) -> Numbers:
    """Return 1 / (1 + exp(-x)) without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))
