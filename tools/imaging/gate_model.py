"""The gate's network with its weights, its card and its lines: what it says of pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from consilium.tools import weights
from consilium.tools.imaging.film import Pixels
from consilium.tools.imaging.gate_card import GATE, GATE_WEIGHTS_FILE, GateCard
from consilium.tools.imaging.gate_network import GateNet, gate_input

WEIGHTS = Path(__file__).parent / "weights"
_BATCH = 32


class Opinion(NamedTuple):
    """What the network says of n pictures once they are righted.

    Parameters
    ----------
    film : (n,) log-odds of a frontal chest film.
    turns : (n,) quarter turns to the left that the picture is away from upright.
    negative : (n,) whether it is a negative.
    """

    film: NDArray[np.float64]
    turns: NDArray[np.int64]
    negative: NDArray[np.bool_]


class Gate:
    """The network with its lines; used from several threads if need be."""

    def __init__(self, network: GateNet, card: GateCard) -> None:
        self.network, self.card = network.eval(), card
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> "Gate":
        """Load the weights, checked against the card.

        Raises
        ------
        ToolError
            If weights or card are missing or damaged.
        """
        card, file = GateCard.read(folder), folder / GATE_WEIGHTS_FILE
        tensors = weights.load_weights(file, card.weights_sha256, GATE)
        network = GateNet()
        with weights.fitting(file, GATE):
            network.load_state_dict(tensors)
        return cls(network, card)

    def look(self, pictures: Sequence[Pixels]) -> Opinion:
        """Look at pictures of any size; at those that are turned or negative once more, righted."""
        lines = self.card.lines
        film, turns, negative = self._seen([gate_input(pixels) for pixels in pictures])
        chance, best = turns.max(1), turns.argmax(1)
        best[chance < lines.turn_from] = 0
        inverted = negative >= lines.invert_from
        again = np.flatnonzero((best > 0) | inverted)
        if len(again):
            righted = [gate_input(right(pictures[int(i)], best[i], inverted[i])) for i in again]
            film[again] = (film[again] + self._seen(righted)[0]) / 2
        return Opinion(film, best, inverted)

    def refuses(self, opinion: Opinion) -> NDArray[np.bool_]:
        """Whether each picture is refused."""
        refused: NDArray[np.bool_] = opinion.film < self.card.lines.refuse_below
        return refused

    @torch.inference_mode()
    def _seen(
        self, inputs: Sequence[NDArray[np.uint8]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Log-odds of a film, probabilities of the four turns, probability of a negative."""
        parts = [
            self.network(torch.as_tensor(np.stack(inputs[start : start + _BATCH])))
            for start in range(0, len(inputs), _BATCH)
        ]
        film = torch.cat([part.film for part in parts]).double().numpy()
        turns = torch.cat([part.turns for part in parts]).softmax(1).double().numpy()
        return film, turns, torch.cat([part.negative for part in parts]).sigmoid().double().numpy()


def right(pixels: Pixels, turns: int | np.int64, negative: bool | np.bool_) -> Pixels:
    """Turn a picture clockwise by so many quarter turns and undo a negative."""

    def turned(values: Pixels) -> Pixels:
        upright: Pixels = np.ascontiguousarray(np.rot90(values, -int(turns)), values.dtype)  # type: ignore[assignment]
        return upright

    return turned(pixels.max() - pixels + pixels.min()) if negative else turned(pixels)


def save_gate(network: GateNet, folder: Path) -> str:
    """Write the weights in half precision and return the file's SHA-256."""
    tensors = {
        name: value.half() if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    return weights.save_weights(folder / GATE_WEIGHTS_FILE, tensors)
