"""Fine-tuning on questions: random models of the classes that the configurations name, learning, resuming, cards."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Metaspace
from transformers import (
    AutoModelForCausalLM,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    LlamaConfig,
    PretrainedConfig,
    PreTrainedTokenizerFast,
    Qwen3Config,
)

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.settings import load_settings
from consilium.finetune.qa.batches import Questions, collate, option_logits
from consilium.finetune.qa.config import QaConfig, task_of
from consilium.finetune.qa.evaluate import QaEvaluation, evaluate
from consilium.finetune.qa.items import make_item
from consilium.finetune.qa.model import load_model
from consilium.finetune.qa.train import train
from consilium.finetune.qa.trainer import QaTrainer

CONFIGS = Path(__file__).parents[2] / "finetune" / "configs"
WORDS = "▁Question: ▁A. ▁B. ▁Answer: ▁A ▁B ▁is ▁it ▁hot ▁cold ▁fire ▁ice ? ▁red ▁blue".split()
SIZES: dict[str, Any] = {
    "vocab_size": 32,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}


def _save(folder: Path, config: PretrainedConfig) -> Path:
    torch.manual_seed(0)
    if isinstance(config, Gemma3Config):
        Gemma3ForConditionalGeneration(config).save_pretrained(folder)
    else:
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)  # type: ignore[no-untyped-call]
    names = ["<pad>", "<s>", "</s>", "<unk>", *WORDS]
    inner = Tokenizer(WordLevel({name: i for i, name in enumerate(names)}, unk_token="<unk>"))
    inner.pre_tokenizer = Metaspace()
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    return folder


def _gemma() -> Gemma3Config:
    sizes = {**SIZES, "sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]}
    vision = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    return Gemma3Config(text_config=sizes, vision_config=vision, mm_tokens_per_image=4)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Forty questions that one word decides."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [
        {
            "id": str(i),
            "question": f"is {'fire' if i % 2 else 'ice'} it hot ?",
            "options": ["red", "blue"],
            "answer": (i + 1) % 2,
            "explanation": "it is hot" if i % 2 else "it is cold",
        }
        for i in range(40)
    ]
    path = folder / "train.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def _config(data: Path, **changes: object) -> QaConfig:
    given = {
        "task": "qa",
        "dataset": "jsonl",
        "data": data,
        "epochs": 8,
        "learning_rate": 1e-2,
        "precision": "fp32",
        **changes,
    }
    return QaConfig.model_validate(given)


@pytest.mark.parametrize("name", ["qa-qwen", "qa-gemma", "qa-llama"])
def test_large_model_recipes_run_with_a_random_model_of_the_class(
    name: str, data: Path, tmp_path: Path
) -> None:
    kinds = {
        "qa-qwen": Qwen3Config(**SIZES),
        "qa-gemma": _gemma(),
        "qa-llama": LlamaConfig(**SIZES),
    }
    base = _save(tmp_path / "base", kinds[name])
    recipe = QaConfig.read(CONFIGS / f"{name}.yaml")
    config = recipe.model_copy(
        update={"dataset": "jsonl", "data": data, "epochs": 1, "allow_download": False}
    )
    adapter = train(config, base, tmp_path / "run")
    card = json.loads((adapter / "card.json").read_bytes())
    assert card["config"]["quantization"] == recipe.quantization == "nf4"
    assert sorted(p.name for p in adapter.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "card.json",
    ]
    keys = (adapter / "adapter_model.safetensors").read_bytes()[:20000]
    assert b"lora_B" in keys and b"vision" not in keys


def test_what_is_learned_is_scored_the_same_way(data: Path, tmp_path: Path) -> None:
    base = _save(tmp_path / "base", LlamaConfig(**SIZES))
    config = _config(data, folds_run=2, explanations=True)
    adapter = train(config, base, tmp_path / "run")
    card = json.loads((adapter / "card.json").read_bytes())
    assert card["cross_validation"]["as_it_answers"]["accuracy"]["n"] == 16
    assert card["cross_validation"]["as_it_answers"]["accuracy"]["percent"] == 100.0
    settings = load_settings(model=str(base))
    report, text = evaluate(QaEvaluation("jsonl", data, adapter=adapter), settings)
    assert report["accuracy"]["percent"] == 100.0
    assert "majority" in text
    untuned, _ = evaluate(QaEvaluation("jsonl", data), settings)
    assert untuned["accuracy"]["percent"] < 80
    (adapter / "adapter_model.safetensors").write_bytes(b"x")
    with pytest.raises(ConsiliumError, match="not as the card says"):
        evaluate(QaEvaluation("jsonl", data, adapter=adapter), settings)


def test_quick_gives_the_same_as_plain(data: Path, tmp_path: Path) -> None:
    base = _save(tmp_path / "base", LlamaConfig(**SIZES))
    losses = []
    for quick in (False, True):
        out = tmp_path / f"run-{quick}"
        train(_config(data, quick=quick, epochs=2), base, out)
        lines = (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        losses.append(json.loads(lines[-1])["train_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_a_run_goes_on_from_its_last_whole_checkpoint(data: Path, tmp_path: Path) -> None:
    base = _save(tmp_path / "base", LlamaConfig(**SIZES))
    out = tmp_path / "run"
    train(_config(data, epochs=2), base, out)
    checkpoint = next((out / "checkpoints").iterdir())
    (out / "checkpoints" / "checkpoint-98").mkdir()  # cut off before its state was written
    (out / "checkpoints" / "checkpoint-99").mkdir()
    (out / "checkpoints" / "checkpoint-99" / "trainer_state.json").write_text('{"best')
    before = (out / "metrics.jsonl").read_text(encoding="utf-8")
    train(_config(data, epochs=2), base, out)
    steps = [json.loads(line)["step"] for line in before.splitlines()]
    after = (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[len(steps) :]
    assert all(json.loads(line)["step"] == int(checkpoint.name.split("-")[1]) for line in after)
    with pytest.raises(ConsiliumError, match="another configuration"):
        train(_config(data, epochs=3), base, out)
    with pytest.raises(ConsiliumError, match="base_model was base and is other"):
        train(_config(data, epochs=2), base.rename(tmp_path / "other"), out)
    data.write_text(data.read_text(encoding="utf-8").replace("fire", "red"), encoding="utf-8")
    with pytest.raises(ConsiliumError, match="data_sha256"):
        train(_config(data, epochs=2), tmp_path / "other", out)


def test_a_stop_and_a_full_disk_are_said_with_how_to_go_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = _save(tmp_path / "base", LlamaConfig(**SIZES))
    computed = QaTrainer.compute_loss

    def stop(self: Any, *given: Any, **named: Any) -> Any:
        if self.state.global_step == 6:
            raise KeyboardInterrupt
        return computed(self, *given, **named)

    monkeypatch.setattr(QaTrainer, "compute_loss", stop)
    with pytest.raises(ConsiliumError, match=r"Stopped at step 6.*checkpoint-5"):
        train(_config(data, epochs=2), base, tmp_path / "run")
    monkeypatch.undo()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("consilium.finetune.qa.train._save", full)
    with pytest.raises(ConsiliumError, match=r"Make room.*checkpoint-10"):
        train(_config(data, epochs=2), base, tmp_path / "run")


def test_padding_changes_nothing_and_a_missing_option_is_never_chosen(tmp_path: Path) -> None:
    loaded = load_model(_save(tmp_path / "base", LlamaConfig(**SIZES)), precision="fp32")
    short = make_item("f, line 1", "1", "is it hot ?", ["red", "blue"], 0)
    long = make_item("f, line 2", "2", "is it is it is it cold ?", ["red", "blue"], 1)
    rows = Questions(loaded.tokenizer, [short, long], 64)
    both = option_logits(loaded.model, collate([rows[0], rows[1]]))
    for at in (0, 1):
        alone = option_logits(loaded.model, collate([rows[at]]))
        assert torch.allclose(both[at], alone[0], atol=1e-5)
    rows.rows[0]["options"] = rows.rows[0]["options"][:1]
    assert option_logits(loaded.model, collate([rows[0], rows[1]]))[0, 1] == -1e4


def test_a_base_that_is_no_model_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConsiliumError, match="cannot be loaded"):
        train(_config(data), tmp_path / "empty", tmp_path / "run")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("task: qa\ndataset: none\ndata: x", "dataset"),
        ("task: qa\ndataset: jsonl\ndata: x\nepoch: 3", "epoch"),
        ("task: qa\ndataset: jsonl\ndata: x\nfolds: 3\nfolds_run: 4", "folds_run"),
        ("task: qa\ndataset: jsonl\ndata: x\nquick: true\nquantization: nf4", "quick"),
        ("task: [", "YAML"),
    ],
)
def test_a_wrong_configuration_names_its_key(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConsiliumError, match=says):
        QaConfig.read(path)


def test_the_task_tells_the_configurations_apart() -> None:
    for path in CONFIGS.glob("*.yaml"):
        assert (task_of(path) == "qa") == path.name.startswith("qa-")
        assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)
