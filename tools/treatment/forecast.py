"""The trained network with its bands: from a checked history to volumes ahead, or a reason for none."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from consilium.tools.contract import ToolError
from consilium.tools.treatment.bands import LENGTHS, NOISES, UNEXPLAINED, Bands, Indices, Prediction
from consilium.tools.treatment.card import WEIGHTS
from consilium.tools.treatment.contract import Plan
from consilium.tools.treatment.counterfactuals import HORIZON
from consilium.tools.treatment.explain import Influence, influence
from consilium.tools.treatment.history import GIVEN, Floats, History
from consilium.tools.treatment.model import TrainedModel
from consilium.tools.treatment.report import DEATH, PLAN_NAMES, TOO_LONG, UNLIKE, UNUSUAL
from consilium.tools.treatment.shipped import load_network
from consilium.tools.treatment.simulator import DEATH_VOLUME
from consilium.tools.treatment.trajectory import Trajectory


class Model(Protocol):
    """What a network must be able to say; arrays as in `history`, `noise` an index of NOISES."""

    def ahead(
        self, volumes: Floats, treatments: Floats, plans: Floats, noise: int = 0
    ) -> Prediction:
        """Prediction (n, p, h) from (n, T) volumes, (n, T, 2) treatments and (n, p, h, 2) plans."""

    def scores(self, volumes: Floats, treatments: Floats, noise: int = 0) -> Floats:
        """(n, T - 1) error of each one-step prediction within the history, in standard deviations."""


def explain_noise(model: Model, bands: Bands, volumes: Floats, treatments: Floats) -> Indices:
    """(n,) index of the smallest of NOISES under which a history has no surprise; UNEXPLAINED if none."""
    noise = np.full(len(volumes), UNEXPLAINED)
    for index in range(len(NOISES)):
        rows = np.flatnonzero(noise == UNEXPLAINED)
        if len(rows):
            scores = model.scores(volumes[rows], treatments[rows], index)
            noise[rows[(bands.surprise(scores) <= 1).all(axis=1)]] = index
    return noise


@dataclass(frozen=True)
class Outlook:
    """What is forecast for one history.

    Parameters
    ----------
    trajectories : one for each plan, in the order asked; empty where there is no forecast.
    reason : why there is none, as the end of a sentence.
    warnings : sentences.
    noise : index of NOISES with which the history was read.
    """

    trajectories: list[Trajectory]
    reason: str = ""
    warnings: tuple[str, ...] = ()
    noise: int = 0


class Forecaster:
    """A model with its bands; answers for one history at a time, from several threads if need be."""

    def __init__(self, model: Model, bands: Bands) -> None:
        self.model, self.bands = model, bands

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> "Forecaster":
        """Load the shipped network and the bands that were fitted for it.

        Raises
        ------
        ToolError
            If weights, card or bands are missing, damaged, or do not belong together.
        """
        network, card = load_network(folder)
        try:
            bands = Bands.read(folder)
        except (OSError, ValueError):
            raise ToolError(
                "The treatment model's bands are missing or damaged: please reinstall Consilium, "
                "or calibrate the weights again."
            ) from None
        if bands.weights_sha256 != card.weights_sha256:
            raise ToolError(
                "The treatment model's bands were made for other weights: please calibrate the "
                "weights again."
            )
        return cls(TrainedModel(network), bands)

    @property
    def version(self) -> str:
        """Hash of the weights."""
        return self.bands.weights_sha256

    def look_ahead(self, history: History, plans: Sequence[Plan], horizon: int) -> Outlook:
        """Forecast the volume under each plan, or say why not."""
        if history.visits > LENGTHS[-1]:
            reason = TOO_LONG.format(visits=history.visits, most=LENGTHS[-1])
            return Outlook([], reason)
        volumes, treatments = history.volumes[None], history.treatments[None]
        noise = explain_noise(self.model, self.bands, volumes, treatments)
        if noise[0] == UNEXPLAINED:
            return Outlook([], UNLIKE.format(visit=self._first_surprise(history, len(NOISES) - 1)))
        warnings = []
        if noise[0]:
            visit = self._first_surprise(history, 0)
            warnings.append(UNUSUAL.format(visit=visit, factor=f"{NOISES[noise[0]]:.0f}"))
        # Always as far as the bands go, so that a shorter horizon gives the same numbers.
        steps = np.stack([history.under(plan, HORIZON) for plan in plans])[None]
        prediction = self.model.ahead(volumes, treatments, steps, int(noise[0]))
        low, high = self.bands.around(prediction, treatments, steps, noise)
        trajectories = [
            Trajectory(
                plan,
                *(ends[0, row, :horizon].tolist() for ends in (prediction.mean, low, high)),
            )
            for row, plan in enumerate(plans)
        ]
        warnings += _at_the_end(trajectories)
        return Outlook(trajectories, warnings=tuple(warnings), noise=int(noise[0]))

    def _first_surprise(self, history: History, noise: int) -> int:
        """The first visit that surprises the model, read with this noise."""
        scores = self.model.scores(history.volumes[None], history.treatments[None], noise)
        return int((self.bands.surprise(scores)[0] > 1).argmax()) + 2

    def influence(self, history: History, plan: Plan, horizon: int, noise: int) -> Influence:
        """Which visits the forecast of one plan at the horizon rests on, read with this noise."""
        planned = np.tile(np.array(GIVEN[plan], float), (horizon, 1))

        def forecast(volumes: Floats, treatments: Floats) -> Floats:
            steps = np.tile(planned, (len(volumes), 1, 1, 1))
            steps[:, 0, 0] = np.maximum(steps[:, 0, 0], treatments[:, -1])
            return self.model.ahead(volumes, treatments, steps, noise).mean[:, 0, -1]

        return influence(history, forecast)


def _at_the_end(trajectories: Sequence[Trajectory]) -> list[str]:
    """A warning where a band reaches the volume at which the simulator ends."""
    plans = [PLAN_NAMES[t.plan] for t in trajectories if t.high[-1] >= DEATH_VOLUME]
    return [DEATH.format(plans=" and ".join(plans), volume=f"{DEATH_VOLUME:.0f}")] if plans else []
