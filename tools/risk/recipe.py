"""How a run is configured, and who is in which member's bootstrap sample."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from consilium.tools.risk.network import NetworkConfig


class FitConfig(BaseModel):
    """One training run; see the comments in `configs/shipped.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    network: NetworkConfig
    epochs: int
    batch_size: int
    learning_rate: float
    ridge_out: float
    ridge_in: float
    pull: float
    reference: int
    temporal_until: str


def bootstrap(seed: int, persons: NDArray[np.int64], members: int) -> NDArray[np.int64]:
    """How often each member's sample holds each person, shape (members, people).

    Poisson(1) draws that depend on seed and person only, so that who was seen by whom can be told from the person's
    number at any later time.
    """
    draws = [np.random.default_rng([seed, person]).poisson(1, members) for person in persons]
    return np.array(draws, np.int64).reshape(len(persons), members).T
