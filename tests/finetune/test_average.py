"""The mean of two adapters: only of one origin, and loadable like any other."""

import json
from hashlib import sha256

import pytest
import torch
from safetensors.torch import load_file, save_file

from consilium.assistant.domain import ConsiliumError
from consilium.finetune.average import average


def _adapter(folder, value, continued_from=None, rank=2):
    folder.mkdir()
    weights = folder / "adapter_model.safetensors"
    save_file({"a": torch.full((rank, 3), value), "b": torch.zeros(3, rank)}, weights)
    (folder / "adapter_config.json").write_text("{}")
    digest = sha256(weights.read_bytes()).hexdigest()
    card = {
        "what": "a test",
        "date": "2026-01-01",
        "base": "tiny",
        "cached_prefix": True,
        "prompt_sha256": "p",
        "weights_sha256": digest,
        "continued_from": continued_from,
    }
    (folder / "card.json").write_text(json.dumps(card))
    return digest


def test_the_mean_has_a_card_that_names_both(tmp_path) -> None:
    first = _adapter(tmp_path / "one", 1.0)
    second = _adapter(tmp_path / "two", 2.0, continued_from=first)
    average(tmp_path / "one", tmp_path / "two", tmp_path / "out")
    written = tmp_path / "out" / "adapter_model.safetensors"
    assert torch.equal(load_file(written)["a"], torch.full((2, 3), 1.5))
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert card["mean_of"] == [first, second]
    assert card["weights_sha256"] == sha256(written.read_bytes()).hexdigest()


def test_strangers_are_not_averaged(tmp_path) -> None:
    first = _adapter(tmp_path / "one", 1.0)
    _adapter(tmp_path / "two", 2.0)
    with pytest.raises(ConsiliumError, match="was not trained on from"):
        average(tmp_path / "one", tmp_path / "two", tmp_path / "out")
    _adapter(tmp_path / "three", 2.0, continued_from=first, rank=4)
    with pytest.raises(ConsiliumError, match="do not have the same weights"):
        average(tmp_path / "one", tmp_path / "three", tmp_path / "out")
