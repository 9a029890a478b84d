"""The learned model: 10-year risk of cardiovascular death, from whatever is known of a person.

An ensemble of bootstrap members over a reference sample: each member reads the person once with each donor's values
in the gaps. The estimate is the mean of all these readings, the interval holds the middle 95 % of them: it is
wide where the members disagree (few such people were learned from) and where much is not known.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from consilium.tools import weights
from consilium.tools.risk.card import OF, WEIGHTS, WEIGHTS_FILE, Card
from consilium.tools.risk.features import rows_of
from consilium.tools.risk.limits import Limit
from consilium.tools.risk.network import YEARS, SurvivalEnsemble
from consilium.tools.risk.person import Numbers, People
from consilium.tools.risk.recipe import bootstrap
from consilium.tools.risk.reference import DONORS, Reference

# Whom the model learned from. What else is unusual about a person is held at the edge of what it saw.
LIMITS = (Limit("age", 30, 85, whole=True), Limit("egfr", 60, 200))

_REFERENCE, _PERSONS, _NETWORK = "reference", "persons", "network."
_BATCH = 8192  # readings at a time
_MIDDLE = (0.025, 0.975)
_loading = threading.Lock()
_loaded: list["RiskModel"] = []


class Prediction(NamedTuple):
    """Risk as a fraction and its 95 % interval, each (people,)."""

    risk: Numbers
    low: Numbers
    high: Numbers


class RiskModel:
    """A trained ensemble with its reference sample; may be asked from several threads."""

    def __init__(
        self,
        network: SurvivalEnsemble,
        reference: Reference,
        persons: NDArray[np.int64],
        card: Card,
    ) -> None:
        self.network, self.reference, self.card = network.eval(), reference, card
        self._persons = persons

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> "RiskModel":
        """Load the weights, checked against the card.

        Raises
        ------
        ToolError
            If weights or card are missing or damaged.
        """
        card, file = Card.read(folder), folder / WEIGHTS_FILE
        tensors = weights.load_weights(file, card.weights_sha256, OF)
        network = SurvivalEnsemble(card.config.network)
        with weights.fitting(file, OF):
            network.load_state_dict(
                {n.removeprefix(_NETWORK): v for n, v in tensors.items() if n.startswith(_NETWORK)}
            )
            reference = Reference(tensors[_REFERENCE].double().numpy())
            return cls(network, reference, tensors[_PERSONS].numpy().astype(np.int64), card)

    def readings(self, filled: Numbers, years: float = YEARS) -> Numbers:
        """Risk by each member with each filling, shape (members, people, fillings).

        Parameters
        ----------
        filled : (people, fillings, features) without gaps, e.g. from `Reference.complete`.
        """
        people, fillings, features = filled.shape
        flat = torch.as_tensor(filled.reshape(-1, features)).float()
        with torch.inference_mode():
            parts = [self.network.risk(part, years) for part in torch.split(flat, _BATCH)]
            risks = torch.cat(parts, dim=1).double().numpy()
        return risks.reshape(len(risks), people, fillings)

    def predict(self, rows: Numbers, years: float = YEARS) -> Prediction:
        """Risk of (people, features) rows with its interval; NaN in a row is what is not known."""
        found = np.empty((3, len(rows)))
        for where, filled in self._filled(rows):
            risks = self.readings(filled, years)
            found[0, where] = risks.mean(axis=(0, 2))
            found[1:, where] = np.quantile(risks, _MIDDLE, axis=(0, 2))
        return Prediction(*found)

    def predict_10y(self, people: People) -> Numbers:
        """10-year risk as a fraction, shape (people,); NaN outside `LIMITS` (an unknown eGFR is inside)."""
        rows = rows_of(people)
        risks = np.full(len(rows), np.nan)
        known = np.isfinite(people.age)
        for limit in LIMITS:
            values = getattr(people, limit.name)
            known &= limit.admits(values) | np.isnan(values)
        if known.any():
            inside = np.flatnonzero(known)
            for where, filled in self._filled(rows[inside]):
                risks[inside[where]] = self.readings(filled).mean(axis=(0, 2))
        return risks

    def predict_unseen(
        self, rows: Numbers, persons: NDArray[np.int64], years: float = YEARS
    ) -> Numbers:
        """Risk by the members that did not learn from a person: by all of them for who is new.

        Parameters
        ----------
        persons : (people,) survey numbers; -1 for people of no survey.
        """
        config = self.card.config
        fresh = np.ones((config.network.members, len(rows)))
        learned = self.learned_from(persons)
        if learned.any():
            counts = bootstrap(config.seed, persons[learned], config.network.members)
            fresh[:, learned] = counts == 0
        risks = np.empty(len(rows))
        for where, filled in self._filled(rows):
            by_member = self.readings(filled, years).mean(axis=2)
            risks[where] = np.average(by_member, axis=0, weights=fresh[:, where])
        return risks

    def learned_from(self, persons: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the survey numbers were in the training data; shape (people,)."""
        return np.isin(persons, self._persons)

    def _filled(self, rows: Numbers) -> Iterator[tuple[NDArray[np.intp], Numbers]]:
        """Batches of people with their fillings: one for who has no gap, else one of each donor."""
        gaps = np.isnan(rows).any(axis=1)
        whole, gappy = np.flatnonzero(~gaps), np.flatnonzero(gaps)
        for start in range(0, len(whole), _BATCH):
            where = whole[start : start + _BATCH]
            yield where, rows[where, None]
        for start in range(0, len(gappy), _BATCH // DONORS):
            where = gappy[start : start + _BATCH // DONORS]
            yield where, self.reference.complete(rows[where])


def load_model() -> RiskModel:
    """The shipped model, loaded once, whichever thread comes first.

    Raises
    ------
    ToolError
        If the weights are missing or not those of their card.
    """
    with _loading:
        if not _loaded:
            _loaded.append(RiskModel.load())
        return _loaded[0]


def save_weights(
    network: SurvivalEnsemble, reference: Reference, persons: NDArray[np.int64], folder: Path
) -> str:
    """Write the weights, the reference sample and the numbers of who was learned from; return the SHA-256."""
    tensors = {_NETWORK + name: value for name, value in network.state_dict().items()}
    tensors[_REFERENCE] = torch.as_tensor(reference.rows).float()
    tensors[_PERSONS] = torch.as_tensor(np.sort(persons).astype(np.int32))
    return weights.save_weights(folder / WEIGHTS_FILE, tensors)
