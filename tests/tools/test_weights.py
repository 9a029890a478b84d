import hashlib

import pytest
import torch
from pydantic import BaseModel

from consilium.tools.contract import ToolError
from consilium.tools.weights import (
    fitting,
    load_weights,
    read_card,
    read_verified,
    save_weights,
)

OF = "the test model"


class Card(BaseModel):
    name: str
    weights_sha256: str


@pytest.fixture
def file(tmp_path):
    return tmp_path / "new" / "test.safetensors"


def test_weights_come_back_as_they_were_written(file):
    table = torch.arange(6.0).reshape(2, 3)
    sha256 = save_weights(file, {"table": table.T, "count": torch.tensor([7])})
    assert sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    tensors = load_weights(file, sha256, OF)
    assert tensors.keys() == {"table", "count"}
    assert torch.equal(tensors["table"], table.T)
    assert tensors["count"].item() == 7


def test_a_wrong_hash_is_refused(file):
    save_weights(file, {"table": torch.zeros(3)})
    with pytest.raises(
        ToolError, match=r"test model \(test\.safetensors\) do not match their card"
    ):
        load_weights(file, "0" * 64, OF)


def test_a_missing_file_is_named(file):
    with pytest.raises(ToolError, match=r"^test\.safetensors of the test model is missing"):
        load_weights(file, "0" * 64, OF)
    with pytest.raises(ToolError, match=r"^card\.json of the test model is missing"):
        read_card(file.with_name("card.json"), Card, OF)


def test_truncated_safetensors_are_refused_even_with_their_own_hash(file):
    save_weights(file, {"table": torch.zeros(300)})
    content = file.read_bytes()
    for length in (0, 4, 40, len(content) - 1):
        file.write_bytes(content[:length])
        sha256 = hashlib.sha256(content[:length]).hexdigest()
        with pytest.raises(ToolError, match=r"\(test\.safetensors\) do not fit this version"):
            load_weights(file, sha256, OF)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"name": "x"}', "weights_sha256: Field required"),
        ('{"name": "x", "weights_sha256": 5}', "weights_sha256: Input should be"),
        ("", "Invalid JSON"),
        ('{"name": "x', "Invalid JSON"),
        ("[]", "object"),
    ],
)
def test_a_damaged_card_is_told_with_its_reason(tmp_path, text, reason):
    path = tmp_path / "card.json"
    path.write_text(text)
    with pytest.raises(ToolError, match=r"^card\.json of the test model is damaged") as caught:
        read_card(path, Card, OF)
    assert reason in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_card_that_is_not_text_is_damaged(tmp_path):
    path = tmp_path / "card.json"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(ToolError, match="is damaged"):
        read_card(path, Card, OF)


def test_a_card_is_read(tmp_path):
    card = Card(name="x", weights_sha256="0" * 64)
    path = tmp_path / "card.json"
    path.write_text(card.model_dump_json())
    assert read_card(path, Card, OF) == card


def test_any_other_file_of_a_card_can_be_verified(tmp_path):
    path = tmp_path / "vocabulary.json"
    path.write_bytes(b"[]")
    assert read_verified(path, hashlib.sha256(b"[]").hexdigest(), OF) == b"[]"
    with pytest.raises(ToolError, match=r"vocabulary\.json"):
        read_verified(path, "0" * 64, OF)


def test_tensors_of_another_network_are_refused(file):
    layer = torch.nn.Linear(2, 2)
    for tensors in ({}, {"weight": torch.zeros(3, 3), "bias": torch.zeros(2)}):
        with pytest.raises(ToolError, match="do not fit this version"), fitting(file, OF):
            layer.load_state_dict(tensors)
    with pytest.raises(ToolError, match="do not fit this version"), fitting(file, OF):
        _ = tensors["absent"]
