"""The shipped network: written with its hash, and loaded only if it matches its card."""

import hashlib
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save

from consilium.tools.contract import ToolError
from consilium.tools.treatment.card import WEIGHTS, WEIGHTS_FILE, Card
from consilium.tools.treatment.network import TreatmentNet


def save_weights(network: TreatmentNet, folder: Path = WEIGHTS) -> str:
    """Write the weights and return their SHA-256."""
    content = save({name: value.contiguous() for name, value in network.state_dict().items()})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS_FILE).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def load_network(folder: Path = WEIGHTS) -> tuple[TreatmentNet, Card]:
    """Load the network, checked against its card.

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
            "The treatment model's weights or their card are missing: please reinstall Consilium."
        ) from None
    if hashlib.sha256(content).hexdigest() != card.weights_sha256:
        raise ToolError(
            "The treatment model's weights do not match their card (damaged or exchanged): "
            "please reinstall Consilium."
        )
    try:
        network = TreatmentNet(card.recipe.fit.network)
        network.load_state_dict(load(content))
    except (SafetensorError, RuntimeError):
        raise ToolError(
            "The treatment model's weights do not fit this version: please reinstall Consilium."
        ) from None
    return network.eval(), card
