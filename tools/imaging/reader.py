"""The trained film reader: weights, calibration and the check whether a film is one it can read."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save

from consilium.tools.contract import ToolError
from consilium.tools.imaging.card import WEIGHTS, WEIGHTS_FILE, Card
from consilium.tools.imaging.film import Pixels
from consilium.tools.imaging.logistic import Numbers
from consilium.tools.imaging.network import FilmNet
from consilium.tools.imaging.novelty import Novelty
from consilium.tools.imaging.preprocess import prepare, to_input
from consilium.tools.imaging.report import FilmLevel
from consilium.tools.imaging.views import COUNT, views

_BATCH = 16  # films; each becomes COUNT views
_NETWORK, _NOVELTY = "network.", "novelty."


class Scores(NamedTuple):
    """What the network says of n films.

    Parameters
    ----------
    logits, spread : (n,) mean and standard deviation of the log-odds over each film's views.
    """

    logits: Numbers
    spread: Numbers


@dataclass(frozen=True)
class Reading:
    """The reader's opinion of one film.

    Parameters
    ----------
    probability, interval : calibrated probability of pneumonia and its 95 % interval, 0 to 1;
        see `Calibration.interval` for what the interval holds and what it does not.
    level : how the probability reads.
    outside : True where the film is unlike the training films; the probability then means nothing.
    """

    probability: float
    interval: tuple[float, float]
    level: FilmLevel
    outside: bool


@torch.inference_mode()
def score(network: FilmNet, pictures: NDArray[np.uint8]) -> Scores:
    """Score (n, size, size) prepared films over their fixed views."""
    network.eval()
    parts = [network(views(to_input(part))).view(-1, COUNT) for part in _batches(pictures, _BATCH)]
    by_view = torch.cat(parts).double()
    return Scores(by_view.mean(1).numpy(), by_view.std(1).numpy())


@torch.inference_mode()
def embed(network: FilmNet, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the (n, d) embeddings of (n, size, size) prepared films."""
    network.eval()
    parts = [network.read(to_input(part)).embedding for part in _batches(pictures, _BATCH * COUNT)]
    embeddings: NDArray[np.float32] = torch.cat(parts).numpy()
    return embeddings


def _batches(pictures: NDArray[np.uint8], size: int) -> list[NDArray[np.uint8]]:
    return np.split(pictures, range(size, len(pictures), size))


class FilmReader:
    """A network with its calibration; reads one film at a time, from several threads if need be."""

    def __init__(self, network: FilmNet, novelty: Novelty, card: Card) -> None:
        self.network, self.novelty, self.card = network.eval(), novelty, card

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> "FilmReader":
        """Load the weights, checked against the card.

        Raises
        ------
        ToolError
            If weights or card are missing or damaged.
        """
        try:
            card = Card.read(folder)
            content = (folder / WEIGHTS_FILE).read_bytes()
        except (OSError, ValueError):
            raise ToolError(
                "The film reader's weights or their card are missing: please reinstall Consilium."
            ) from None
        if hashlib.sha256(content).hexdigest() != card.weights_sha256:
            raise ToolError(
                "The film reader's weights do not match their card (damaged or exchanged): "
                "please reinstall Consilium."
            )
        try:
            tensors = load(content)
            network = FilmNet(card.config.network)
            network.load_state_dict(_part(tensors, _NETWORK))
        except (SafetensorError, RuntimeError):
            raise ToolError(
                "The film reader's weights do not fit this version: please reinstall Consilium."
            ) from None
        arrays = {name: value.numpy() for name, value in _part(tensors, _NOVELTY).items()}
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(network, Novelty(arrays["center"], arrays["whitening"]), card)

    def read(self, pixels: Pixels) -> Reading:
        """Read one film of any size."""
        picture = prepare(pixels, self.card.config.network.input_size)
        scores = score(self.network, picture[None])
        calibration = self.card.calibration
        probability = float(calibration.probability(scores.logits)[0])
        low, high = calibration.interval(scores.logits, scores.spread)
        distance = float(self.novelty.distance(embed(self.network, picture[None]))[0])
        return Reading(
            probability,
            (float(low[0]), float(high[0])),
            calibration.level(probability),
            distance > self.card.novelty_threshold,
        )


def save_weights(network: FilmNet, novelty: Novelty, folder: Path) -> str:
    """Write the weights, the network's in half precision, and return the file's SHA-256."""
    tensors = {
        _NETWORK + name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
    }
    tensors[_NOVELTY + "center"] = torch.as_tensor(novelty.center)
    tensors[_NOVELTY + "whitening"] = torch.as_tensor(novelty.whitening).contiguous()
    folder.mkdir(parents=True, exist_ok=True)
    content = save(tensors)
    (folder / WEIGHTS_FILE).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
