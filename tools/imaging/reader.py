"""The trained film reader: weights, calibration and the check whether a film is one it can read."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from consilium.tools import weights
from consilium.tools.imaging.card import OF, WEIGHTS, WEIGHTS_FILE, Card
from consilium.tools.imaging.ensemble import Ensemble
from consilium.tools.imaging.film import Pixels
from consilium.tools.imaging.logistic import Numbers
from consilium.tools.imaging.novelty import Novelty
from consilium.tools.imaging.population import Population
from consilium.tools.imaging.preprocess import prepare, to_input
from consilium.tools.imaging.report import CLIPPED, LOW_RESOLUTION, FilmLevel
from consilium.tools.imaging.views import COUNT, views

_BATCH = 8  # films; each becomes COUNT views
_CLIPPED_SHARE = 0.4
_NETWORK, _NOVELTY = "network.", "novelty."
_CENTER, _WHITENING, _POPULATION = "center", "whitening", "population"


class Scores(NamedTuple):
    """What the networks say of n films.

    Parameters
    ----------
    logits, spread : (n,) mean and standard deviation of the log-odds over each film's views.
    """

    logits: Numbers
    spread: Numbers


class Readings(NamedTuple):
    """The reader's opinion of n films, field by field as in `Reading`; `logits` are uncalibrated."""

    logits: Numbers
    probability: Numbers
    low: Numbers
    high: Numbers
    threshold: Numbers
    levels: list[FilmLevel]
    outside: NDArray[np.bool_]
    population: list[str]


@dataclass(frozen=True)
class Reading:
    """The reader's opinion of one film.

    Parameters
    ----------
    probability, interval : calibrated probability of pneumonia and its 95 % interval, 0 to 1;
        see `Calibration.interval` for what the interval holds and what it does not.
    level : how the probability reads.
    outside : True where the film is unlike the training films; the probability then means nothing.
    threshold : the operating point, a probability.
    population : the collection whose films it looks like and whose calibration was used.
    """

    probability: float
    interval: tuple[float, float]
    level: FilmLevel
    outside: bool
    threshold: float = 0.5
    population: str = ""


@torch.inference_mode()
def score(network: Ensemble, pictures: NDArray[np.uint8]) -> Scores:
    """Score (n, size, size) prepared films over their fixed views."""
    network.eval()
    parts = [network(views(to_input(part))).view(-1, COUNT) for part in _batches(pictures, _BATCH)]
    by_view = torch.cat(parts).double()
    return Scores(by_view.mean(1).numpy(), by_view.std(1).numpy())


@torch.inference_mode()
def embed(network: Ensemble, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the (n, d) embeddings of (n, size, size) prepared films."""
    network.eval()
    parts = [network.read(to_input(part)).embedding for part in _batches(pictures, _BATCH * COUNT)]
    embeddings: NDArray[np.float32] = torch.cat(parts).numpy()
    return embeddings


def _batches(pictures: NDArray[np.uint8], size: int) -> list[NDArray[np.uint8]]:
    return np.split(pictures, range(size, len(pictures), size))


class FilmReader:
    """Networks with their calibration; reads from several threads if need be."""

    def __init__(
        self, network: Ensemble, novelty: Novelty, population: Population, card: Card
    ) -> None:
        self.network, self.novelty = network.eval(), novelty
        self.population, self.card = population, card

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> "FilmReader":
        """Load the weights, checked against the card.

        Raises
        ------
        ToolError
            If weights or card are missing or damaged.
        """
        card, file = Card.read(folder), folder / WEIGHTS_FILE
        tensors = weights.load_weights(file, card.weights_sha256, OF)
        with weights.fitting(file, OF):
            network = Ensemble.of(card.config.networks)
            network.load_state_dict(_part(tensors, _NETWORK))
            arrays = {name: v.float().numpy() for name, v in _part(tensors, _NOVELTY).items()}
            novelty = Novelty(arrays[_CENTER], arrays[_WHITENING])
            population = Population(tuple(card.calibration), arrays[_POPULATION])
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(network, novelty, population, card)

    def read(self, pixels: Pixels) -> Reading:
        """Read one film of any size."""
        found = self.read_many(prepare(pixels, self.network.input_size)[None])
        return Reading(
            float(found.probability[0]),
            (float(found.low[0]), float(found.high[0])),
            found.levels[0],
            bool(found.outside[0]),
            float(found.threshold[0]),
            found.population[0],
        )

    def doubts(self, pixels: Pixels) -> list[str]:
        """What a film's own picture lacks, in sentences; empty where it is good enough."""
        found = []
        extremes = (pixels == pixels.min()) | (pixels == pixels.max())
        if float(np.mean(extremes)) > _CLIPPED_SHARE:
            found.append(CLIPPED)
        if min(pixels.shape) < self.network.input_size:
            found.append(LOW_RESOLUTION)
        return found

    def read_many(self, pictures: NDArray[np.uint8]) -> Readings:
        """Read (n, size, size) prepared films."""
        scores = score(self.network, pictures)
        embedding = embed(self.network, pictures)
        population = self.population.of(self.novelty.white(embedding))
        empty = np.empty(len(pictures))
        probability, low, high, threshold = (empty.copy() for _ in range(4))
        levels: list[FilmLevel] = ["indeterminate"] * len(pictures)
        for name, calibration in self.card.calibration.items():
            rows = np.flatnonzero(np.array(population) == name)
            probability[rows] = calibration.probability(scores.logits[rows])
            low[rows], high[rows] = calibration.interval(scores.logits[rows], scores.spread[rows])
            threshold[rows] = calibration.threshold
            for row in rows:
                levels[row] = calibration.level(probability[row])
        outside = self.novelty.distance(embedding) > self.card.novelty_threshold
        return Readings(
            scores.logits, probability, low, high, threshold, levels, outside, population
        )


def save_weights(network: Ensemble, novelty: Novelty, population: Population, folder: Path) -> str:
    """Write the weights, the networks' in half precision, and return the file's SHA-256."""
    tensors = {
        _NETWORK + name: value.half() if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    tensors[_NOVELTY + _CENTER] = torch.as_tensor(novelty.center)
    tensors[_NOVELTY + _WHITENING] = torch.as_tensor(novelty.whitening)
    tensors[_NOVELTY + _POPULATION] = torch.as_tensor(population.weights)
    return weights.save_weights(folder / WEIGHTS_FILE, tensors)


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
