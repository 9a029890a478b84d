"""The shipped network: written with its hash, and loaded only if it matches its card."""

from pathlib import Path

from consilium.tools import weights
from consilium.tools.treatment.card import OF, WEIGHTS, WEIGHTS_FILE, Card
from consilium.tools.treatment.network import TreatmentNet


def save_weights(network: TreatmentNet, folder: Path = WEIGHTS) -> str:
    """Write the weights and return their SHA-256."""
    return weights.save_weights(folder / WEIGHTS_FILE, network.state_dict())


def load_network(folder: Path = WEIGHTS) -> tuple[TreatmentNet, Card]:
    """Load the network, checked against its card.

    Raises
    ------
    ToolError
        If weights or card are missing or damaged.
    """
    card, file = Card.read(folder), folder / WEIGHTS_FILE
    tensors = weights.load_weights(file, card.weights_sha256, OF)
    network = TreatmentNet(card.recipe.fit.network)
    with weights.fitting(file, OF):
        network.load_state_dict(tensors)
    return network.eval(), card
