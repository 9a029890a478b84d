"""A model small enough to compute by hand, so that the tool around it is tested without weights."""

import numpy as np
import pytest

from consilium.tools.treatment.bands import CLASSES, LENGTHS, NOISES, Bands, Prediction
from consilium.tools.treatment.forecast import Forecaster

FACTORS = np.array([[1.05, 0.8], [0.9, 0.72]])  # of the volume per visit, by chemo and radio


class FakeModel:
    """Each treatment has the same effect on every tumour; a visit's growth is as surprising as it is large."""

    def ahead(self, volumes, treatments, plans, noise=0):
        chemo, radio = plans[..., 0].astype(int), plans[..., 1].astype(int)
        mean = volumes[:, -1, None, None] * np.cumprod(FACTORS[chemo, radio], axis=-1)
        return Prediction(
            mean, np.broadcast_to(0.05 * np.arange(1, plans.shape[2] + 1), mean.shape)
        )

    def scores(self, volumes, treatments, noise=0):
        return np.diff(np.log(volumes)) / 0.1


@pytest.fixture
def bands():
    quantile = np.full((len(NOISES), len(LENGTHS), 2, CLASSES, 6), 1.645)
    return Bands(
        date="2026-11-22",
        command="by hand",
        weights_sha256="fake",
        patients_fitted=0,
        lower=(-quantile).tolist(),
        upper=quantile.tolist(),
        usual=[3.0] * len(LENGTHS),
    )


@pytest.fixture
def model():
    return FakeModel()


@pytest.fixture
def forecaster(model, bands):
    return Forecaster(model, bands)
