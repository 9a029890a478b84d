"""Weights and the model card beside them: loaded only where the one matches the other.

Weights are safetensors, never pickle. The card holds their SHA-256, so that a damaged or exchanged file is
told before a number is computed with it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from consilium.tools.contract import ToolError

_REINSTALL = "please reinstall Consilium."
_Card = TypeVar("_Card", bound=BaseModel)


def read_card(path: Path, kind: type[_Card], of: str) -> _Card:
    """Read a model card.

    Parameters
    ----------
    of : whose card it is, for the errors, e.g. "the risk model".

    Raises
    ------
    ToolError
        If the card is missing or does not hold what it must.
    """
    content = _read(path, of)
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"{where}: {first['msg']}" if where else first["msg"]
        raise ToolError(f"{path.name} of {of} is damaged ({reason}): {_REINSTALL}") from None


def read_verified(path: Path, sha256: str, of: str) -> bytes:
    """Read a file whose hash the card tells.

    Raises
    ------
    ToolError
        If it is missing or has another hash.
    """
    content = _read(path, of)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ToolError(
            f"The weights of {of} ({path.name}) do not match their card (damaged or exchanged): "
            f"{_REINSTALL}"
        )
    return content


def load_weights(path: Path, sha256: str, of: str) -> dict[str, Tensor]:
    """Load the tensors of a safetensors file by their names, the file's hash checked first.

    Raises
    ------
    ToolError
        If the file is missing, has another hash or is not safetensors.
    """
    content = read_verified(path, sha256, of)
    with fitting(path, of):
        return load(content)


@contextmanager
def fitting(path: Path, of: str) -> Iterator[None]:
    """Tell of tensors that the network of this version does not take, instead of torch's own words.

    Raises
    ------
    ToolError
        If one is missing or has another shape.
    """
    try:
        yield
    except (SafetensorError, RuntimeError, ValueError, KeyError):
        raise ToolError(
            f"The weights of {of} ({path.name}) do not fit this version: {_REINSTALL}"
        ) from None


def save_weights(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write tensors under their names, with the folder if need be; return the file's SHA-256."""
    content = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _read(path: Path, of: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise ToolError(f"{path.name} of {of} is missing or unreadable: {_REINSTALL}") from None
