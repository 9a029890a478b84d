"""The card beside a fine-tuned adapter: what scoring needs of it, and how it came about."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from consilium.assistant.domain import ConsiliumError

WEIGHTS = "adapter_model.safetensors"


class QaCard(BaseModel):
    """Written by `train`; `scale` and `offsets` are the calibration (no offsets: none was fitted)."""

    what: str
    base: str
    weights_sha256: str
    max_tokens: int
    scale: float
    offsets: list[float]
    data: dict[str, Any]
    config: dict[str, Any]
    cross_validation: dict[str, Any]
    test_contamination: dict[str, Any] | str
    minutes_of_this_call: float
    date: str


def read_card(adapter: Path, base: str) -> QaCard | None:
    """The card of an adapter of ours for the model `base`; None for any other adapter.

    Raises
    ------
    ConsiliumError
        If the card is damaged, the weights are not as it says, or it names another base model.
    """
    path = adapter / "card.json"
    if not path.exists():
        return None
    try:
        card = QaCard.model_validate_json(path.read_bytes())
        weights = sha256((adapter / WEIGHTS).read_bytes()).hexdigest()
    except OSError as error:
        raise ConsiliumError(f"{adapter} is not complete: {error.filename}.") from error
    except ValidationError as error:
        raise ConsiliumError(f"{path} is no card of a QA adapter.") from error
    if weights != card.weights_sha256:
        raise ConsiliumError(f"{adapter / WEIGHTS} is not as the card says: train it again.")
    if card.base != base:
        raise ConsiliumError(
            f"The adapter {adapter} is made for {card.base}, not for {base}: name that model."
        )
    return card


def write_json(path: Path, value: Any) -> None:
    """Write whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)
