"""LoRA training: the right tokens are learned, the cached prefix changes nothing, an adapter comes out."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.llm import template
from consilium.assistant.llm.adapter import read_card
from consilium.assistant.llm.local import LocalModel
from consilium.assistant.settings import load_settings
from consilium.finetune.config import TrainingConfig
from consilium.finetune.examples import collate, messages, read_conversations, tokenise
from consilium.finetune.synthesis.generate import generate
from consilium.finetune.train import train
from consilium.tools.registry import TOOLS

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer model of the embedded model's kind, with its tokenizer."""
    embedded = load_settings().home / "models" / "smollm2-135m-instruct"
    if not embedded.exists():
        pytest.skip(f"the embedded model is not in {embedded} (run `consilium fetch`)")
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(embedded).save_pretrained(folder)
    return folder


def test_only_the_assistant_is_learned(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    conversation = next(c for c in generate(50, seed=3) if c.category == "followup")
    ids, labels = tokenise(tokenizer, messages(conversation))
    learned = tokenizer.decode([token for token in labels if token != -100])
    assert conversation.turns[0].user not in learned
    assert conversation.turns[-1].reply in learned
    rendered = template.render(tokenizer, messages(conversation))
    assert ids == tokenizer(rendered, add_special_tokens=False).input_ids


def test_without_the_answer_a_conversation_ends_at_its_call() -> None:
    conversation = next(c for c in generate(50, seed=3) if c.category == "single")
    assert "tool_calls" in messages(conversation, with_answer=False)[-1]


def test_padding_is_not_learned() -> None:
    batch = collate([{"input_ids": [5, 6], "labels": [5, 6]}, {"input_ids": [7], "labels": [7]}])
    assert batch["labels"].tolist() == [[5, 6], [7, -100]]
    assert batch["attention_mask"].tolist() == [[1, 1], [1, 0]]


def test_an_adapter_is_trained_resumed_and_served(tiny: Path, tmp_path: Path) -> None:
    config = TrainingConfig(conversations=24, batch_size=4, save_steps=2, learning_rate=0.01)
    adapter = train(config, tiny, tmp_path)
    losses = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert losses[-1]["train_loss"] < 11  # log(49152) is 10.8: random
    card = read_card(adapter)
    again = train(config, tiny, tmp_path)  # resumes at the end: nothing is left to do
    assert read_card(again).weights_sha256 == card.weights_sha256
    model = LocalModel.load(tiny, list(TOOLS.values()), adapter=adapter, device="cpu")
    assert model.adapter_sha256 == card.weights_sha256


def test_a_damaged_adapter_is_refused(tiny: Path, tmp_path: Path) -> None:
    adapter = train(TrainingConfig(conversations=4, batch_size=4), tiny, tmp_path)
    weights = adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(ConsiliumError, match="not those of its card"):
        LocalModel.load(tiny, list(TOOLS.values()), adapter=adapter, device="cpu")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("learning_rate: fast", "learning_rate: Input should be a valid number"),
        ("epochs: 3", "epochs: Extra inputs"),
        ("seed: [", "not valid YAML"),
    ],
)
def test_a_wrong_config_names_the_key(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(text)
    with pytest.raises(ConsiliumError, match=says):
        TrainingConfig.read(file)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    file.write_text(next(generate(1, seed=1)).model_dump_json() + "\n{}\n")
    with pytest.raises(ConsiliumError, match="line 2"):
        list(read_conversations(file))
