"""LoRA training: the right tokens are learned, the cached prefix changes nothing, an adapter comes out."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree, rmtree
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.llm import template
from consilium.assistant.llm.adapter import read_card, shipped_adapter
from consilium.assistant.llm.local import LocalModel
from consilium.assistant.settings import load_settings
from consilium.finetune.config import TrainingConfig
from consilium.finetune.examples import collate, messages, tokenise, tokenise_fitting
from consilium.finetune.lines import read_lines
from consilium.finetune.merge import merge
from consilium.finetune.own_data import read_conversations
from consilium.finetune.prefixed import learn_after, prefix_cache, prefix_ids
from consilium.finetune.quick import make_quick, sampled_losses
from consilium.finetune.settings import LoraSettings
from consilium.finetune.synthesis.example import Conversation
from consilium.finetune.synthesis.generate import generate
from consilium.finetune.train import _start, train
from consilium.finetune.trainer import ChatTrainer, Clock
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
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)  # type: ignore[no-untyped-call]
    AutoTokenizer.from_pretrained(embedded).save_pretrained(folder)
    return folder


def metrics(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_only_the_assistant_is_learned(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    conversation = next(c for c in generate(50, seed=3) if c.category == "followup")
    ids, labels = tokenise(tokenizer, messages(conversation))
    learned = tokenizer.decode([token for token in labels if token != -100])
    assert conversation.turns[0].user not in learned
    assert conversation.turns[-1].reply in learned
    rendered = template.render(tokenizer, messages(conversation))
    assert ids == tokenizer(rendered, add_special_tokens=False).input_ids


def test_words_about_earlier_results_are_not_learned(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    chat = next(
        c for c in generate(80, seed=3) if len(c.turns) == 2 and all(t.results for t in c.turns)
    )
    _, labels = tokenise(tokenizer, messages(chat))
    learned = tokenizer.decode([token for token in labels if token != -100])
    first, second = chat.turns
    assert first.reply not in learned and second.reply in learned
    assert learned.count("call\n[") == 2


def test_a_long_chat_loses_its_last_turns(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    chat = next(c for c in generate(50, seed=3) if len(c.turns) == 2)
    whole, _ = tokenise(tokenizer, messages(chat, with_answer=False))

    def fitting(longest: int) -> list[int] | None:
        row = tokenise_fitting(tokenizer, chat, longest, with_answer=False)
        return row and row[0]

    assert fitting(len(whole)) == whole
    first = fitting(len(whole) - 1)
    assert first == whole[: len(first)]
    assert chat.turns[1].user not in tokenizer.decode(first)
    assert fitting(len(first) - 1) is None
    turn = chat.model_copy(update={"turns": chat.turns[:1]})
    assert tokenise_fitting(tokenizer, turn, len(first), with_answer=True)[0] == first  # no answer


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
    assert metrics(tmp_path)[-1]["train_loss"] < 11  # log(49152) is 10.8: random
    card = read_card(adapter)
    again = train(config, tiny, tmp_path)  # resumes at the end: nothing is left to do
    assert read_card(again).weights_sha256 == card.weights_sha256
    model = LocalModel.load(tiny, list(TOOLS.values()), adapter=adapter, device="cpu")
    assert model.adapter_sha256 == card.weights_sha256


@pytest.mark.parametrize(
    ("origin", "says"),
    [
        ({"base_model": "b"}, "base_model was a and is b"),
        ({"data_sha256": "2"}, "data_sha256 was 1 and is 2"),
        ({"start_from_sha256": "9"}, "start_from_sha256 was  and is 9"),
        ({"processes": "2"}, "processes was 1 and is 2"),
    ],
)
def test_a_run_of_another_origin_is_not_resumed(
    tmp_path: Path, origin: dict[str, str], says: str
) -> None:
    made_from = {"base_model": "a", "data_sha256": "1", "start_from_sha256": "", "processes": "1"}
    config = TrainingConfig()
    config.claim(tmp_path, **made_from)
    config.claim(tmp_path, **made_from)
    with pytest.raises(ConsiliumError, match=says):
        config.claim(tmp_path, **{**made_from, **origin})
    with pytest.raises(ConsiliumError, match="seed was 1 and is 2"):
        TrainingConfig(seed=2).claim(tmp_path, **made_from)
    (tmp_path / "config.json").write_text(config.model_dump_json())  # as earlier versions wrote it
    config.claim(tmp_path, **made_from)


def test_a_run_whose_data_changed_is_not_resumed(tiny: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "data.jsonl", tmp_path / "run"
    file.write_text("\n".join(c.model_dump_json() for c in generate(4, seed=1)))
    config = TrainingConfig(data=file, batch_size=4, max_tokens=4000)
    train(config, tiny, out)
    file.write_text("\n".join(c.model_dump_json() for c in generate(4, seed=2)))
    with pytest.raises(ConsiliumError, match="data_sha256"):
        train(config, tiny, out)


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
        ("quantization: nf4\nquick: true", "set quick: false"),
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
        list(read_lines(file, Conversation))


_RISK = {
    "age": 54,
    "sex": "male",
    "total_cholesterol": 228,
    "hdl_cholesterol": 38,
    "systolic_bp": 146,
}
_CALL: dict[str, Any] = {"name": "predict_risk", "arguments": _RISK}
_VOLUMES: dict[str, Any] = {"volumes_cm3": [1, 2]}
_RIGHT: dict[str, Any] = {
    "user": "risk?",
    "calls": [_CALL],
    "results": [{"summary": "It is 9 %."}],
    "reply": "It is 9 %.",
}


def _line(**changes: Any) -> str:
    return json.dumps({"turns": [_RIGHT | changes]}) + "\n"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"turns": []}\n', "line 2: turns: List should have at least 1 item"),
        (_line(reply=" "), "line 2, turn 1: The reply is empty"),
        (_line(results=[]), "line 2, turn 1: There is not one result for each call"),
        (_line(results=[{"summary": "a"}] * 2), "line 2, turn 1: There is not one result"),
        (_line(mood="good"), "line 2: turns.0.mood: Extra inputs"),
        (_line(calls=[_CALL | {"id": 1}]), "line 2: turns.0.calls.0.id: Extra inputs"),
        ('{"turn": [], "turns": [{"user": "a", "reply": "b"}]}\n', "line 2: turn: Extra inputs"),
        (
            _line(calls=[{"name": "profile_molecule", "arguments": {}}], results=[]),
            "line 2, turn 1: A call lacks molecule, which is not asked for",
        ),
        (
            _line(calls=[{"name": "analyze_scan", "arguments": {"image": "scan-1"}}]),
            "line 2, turn 1: scan-1 is not attached",
        ),
        (
            _line(calls=[{"name": "design_molecules", "arguments": {"count": 100}}]),
            "line 2, turn 1: .*design_molecules.count: .* less than or equal to 50",
        ),
        (
            _line(calls=[{"name": "simulate_treatment", "arguments": _VOLUMES | {"plans": None}}]),
            "line 2, turn 1: .*simulate_treatment.plans: ",
        ),
        (_line(calls=[{"name": "cure", "arguments": {}}]), "line 2, turn 1: There is no tool cure"),
        (
            _line(calls=[{"name": "predict_risk", "arguments": {**_RISK, "age": "54"}}]),
            "line 2, turn 1: The call breaks the contract: predict_risk.age: ",
        ),
    ],
)
def test_a_conversation_that_nobody_can_learn_from_is_named(
    tmp_path: Path, line: str, says: str
) -> None:
    file = tmp_path / "data.jsonl"
    file.write_text(_line() + line)
    with pytest.raises(ConsiliumError, match=says):
        train(TrainingConfig(data=file), tmp_path, tmp_path / "run")


def test_a_limit_is_passed_where_the_house_refuses(tmp_path: Path) -> None:
    call = {"name": "design_molecules", "arguments": {"count": 100}}
    refusal = {"summary": "The count may be at most 50.", "status": "error"}
    (file := tmp_path / "data.jsonl").write_text(_line(calls=[call], results=[refusal]))
    assert read_conversations(file)


def test_an_empty_file_holds_no_conversation(tmp_path: Path) -> None:
    (file := tmp_path / "data.jsonl").touch()
    with pytest.raises(ConsiliumError, match="holds no conversation"):
        train(TrainingConfig(data=file), tmp_path, tmp_path / "run")


def test_the_example_of_the_guide_is_trained_on(
    tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "finetuning.md").read_text(encoding="utf-8")
    example = [row for row in guide.splitlines() if row.startswith('{"turns"') and '"reply"' in row]
    file = tmp_path / "own.jsonl"
    file.write_text("\n".join([*example, _line(user="risk? " * 500)]))
    assert [(c.id, c.category) for c in read_conversations(file).values()] == [
        ("line 1", "single"),
        ("line 2", "missing"),
        ("line 3", "followup"),
        ("line 4", "single"),
    ]
    adapter = train(TrainingConfig(data=file, batch_size=4, answer_share=1), tiny, tmp_path / "run")
    card = json.loads((adapter / "card.json").read_text())
    assert card["data"]["conversations"] == 4
    assert card["data"]["left_out_as_too_long"] == 1
    assert card["data"]["made_by"] == "own.jsonl"
    assert "own.jsonl: 1 of 4 conversations are left out" in caplog.text
    assert caplog.text.rstrip().endswith("line 4")


def _loss_and_gradients(tiny: Path, *, quick: bool) -> tuple[float, list[torch.Tensor]]:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    model: Any = AutoModelForCausalLM.from_pretrained(tiny)
    prefix = prefix_cache(model, prefix_ids(tokenizer))
    torch.manual_seed(1)
    model = get_peft_model(model, LoraConfig(target_modules="all-linear", init_lora_weights=False))
    if quick:
        make_quick(model)
    learn_after(model, prefix, decision_weight=3, sampled=False)
    rows = [tokenise(tokenizer, messages(c)) for c in generate(4, seed=2)]
    batch = collate([{"input_ids": ids, "labels": labels} for ids, labels in rows])
    model.train()
    loss = model(**batch)["loss"]
    loss.backward()
    return loss.item(), [p.grad for p in model.parameters() if p.requires_grad]


def test_quick_training_has_the_loss_and_gradients_of_the_plain_one(tiny: Path) -> None:
    plain, quick = (_loss_and_gradients(tiny, quick=quick) for quick in (False, True))
    assert quick[0] == pytest.approx(plain[0], rel=1e-5)
    for ours, theirs in zip(quick[1], plain[1], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)


def test_the_loss_over_a_part_of_the_vocabulary_is_near_that_over_all() -> None:
    torch.manual_seed(0)
    hidden, head = torch.randn(64, 16) / 4, torch.randn(20000, 16)
    labels = torch.randint(0, 20000, (64,))
    part = sampled_losses(hidden, head, labels, labels).mean()
    whole = torch.nn.functional.cross_entropy(hidden @ head.T, labels)
    assert part.item() == pytest.approx(whole.item(), rel=0.01)


def test_calls_are_measured_on_the_way_and_the_best_adapter_is_kept(
    tiny: Path, tmp_path: Path
) -> None:
    config = TrainingConfig(
        conversations=32, batch_size=4, save_steps=1, held_out=8, patience=2, learning_rate=1e-5
    )
    adapter = train(config, tiny, tmp_path)
    measured = [row for row in metrics(tmp_path) if "eval_exact" in row]
    assert len(measured) == 3  # the first and two that are no better: then it stops
    assert json.loads((adapter / "card.json").read_text())["held_out_exact"] == 0
    assert list((tmp_path / "curves").iterdir())


SHARED = "conversations: 32\nanswer_share: 1\nmax_tokens: 4000\nquick: false\n"


def launched(processes: int, *task: Path | str) -> None:
    tools = Path(sys.executable).parent
    launch = [tools / "torchrun", "--standalone", f"--nproc-per-node={processes}"]
    subprocess.run(
        [str(part) for part in (*launch, *task)],
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def test_two_processes_have_the_loss_of_one(tiny: Path, tmp_path: Path) -> None:
    losses = []
    for processes, batch in ((1, 8), (2, 4)):
        config, out = tmp_path / f"{processes}.yaml", tmp_path / f"run{processes}"
        config.write_text(f"{SHARED}save_steps: 100\nbatch_size: {batch}\n")
        consilium = Path(sys.executable).with_name("consilium")
        task = (consilium, "finetune", config, "--base", tiny, "--out", out)
        launched(processes, "--no-python", *task)
        losses.append(metrics(out)[-1]["train_loss"])
        assert read_card(out / "adapter")
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_two_processes_share_one_model(tiny: Path, tmp_path: Path) -> None:
    config, out = tmp_path / "run.yaml", tmp_path / "run"
    config.write_text(f"{SHARED}save_steps: 2\nbatch_size: 4\n")
    task = (Path(__file__).with_name("sharded.py"), config, tiny, out)
    launched(2, *task)
    rmtree(out / "checkpoints" / "checkpoint-4")
    launched(2, *task)  # goes on from the second step
    alone = train(TrainingConfig.read(config).model_copy(update={"batch_size": 8}), tiny, tmp_path)
    weights, wanted = (
        load_file(folder / "adapter_model.safetensors") for folder in (out / "adapter", alone)
    )
    assert set(weights) == set(wanted)
    for name, one in wanted.items():
        torch.testing.assert_close(weights[name], one, rtol=0.05, atol=0.002)


def test_an_adapter_over_4_bits_is_trained_and_served(tiny: Path, tmp_path: Path) -> None:
    config = TrainingConfig(conversations=8, batch_size=4, quick=False, quantization="nf4")
    adapter = train(config, tiny, tmp_path)
    specs = list(TOOLS.values())
    assert LocalModel.load(tiny, specs, adapter=adapter, device="cpu", quantization="nf4")


def test_a_merged_model_is_the_base_with_its_adapter(tiny: Path, tmp_path: Path) -> None:
    config = TrainingConfig(conversations=8, batch_size=4, cached_prefix=False, learning_rate=0.01)
    adapter = train(config, tiny, tmp_path / "run")
    merge(adapter, tiny, tmp_path / "whole")
    whole: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "whole", dtype=torch.bfloat16)
    served = LocalModel.load(tiny, list(TOOLS.values()), adapter=adapter, device="cpu")
    ids = prefix_ids(AutoTokenizer.from_pretrained(tiny))
    with torch.no_grad():
        ours, theirs = whole(ids).logits.float(), served.model(ids).logits
    torch.testing.assert_close(ours, theirs, rtol=0.05, atol=0.05)


def test_an_adapter_behind_a_cached_prefix_is_not_merged(tiny: Path, tmp_path: Path) -> None:
    adapter = train(TrainingConfig(conversations=4, batch_size=4), tiny, tmp_path / "run")
    with pytest.raises(ConsiliumError, match="cached_prefix: false"):
        merge(adapter, tiny, tmp_path / "whole")


def test_an_adapter_of_another_base_is_refused(tiny: Path, tmp_path: Path) -> None:
    config = TrainingConfig(conversations=4, start_from=shipped_adapter())
    with pytest.raises(ConsiliumError, match="is made for smollm2-135m-instruct"):
        train(config, tiny, tmp_path)


def test_lora_values_are_those_of_the_adapter_to_start_from(tmp_path: Path) -> None:
    adapter = tmp_path / "adapter"
    copytree(shipped_adapter(), adapter)
    written = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(
        json.dumps(written | {"r": 8, "lora_dropout": 0.1})
    )
    base = Path("smollm2-135m-instruct")

    def lora(**asked: Any) -> LoraSettings:
        return _start(TrainingConfig.model_validate({"start_from": adapter, **asked}), base)[1]

    assert lora() == lora(lora={"rank": 8}) == LoraSettings(rank=8, alpha=32, dropout=0.1)
    with pytest.raises(ConsiliumError, match=r"lora\.rank is 16, .* has 8"):
        lora(lora={"rank": 16})
    with pytest.raises(ConsiliumError, match="quick: false"):
        lora(quick=True)
    (adapter / "adapter_config.json").write_text("{")
    with pytest.raises(ConsiliumError, match="cannot be read"):
        lora()


def test_tokens_of_further_epochs_count() -> None:
    def after(steps: int) -> int:
        lengths = [{"length": length} for length in range(1, 11)]
        trainer: Any = ChatTrainer.__new__(ChatTrainer)
        trainer.args = SimpleNamespace(per_device_train_batch_size=4, world_size=1, seed=1)
        trainer.train_dataset, trainer.state = lengths, SimpleNamespace(global_step=steps)
        return int(trainer.tokens_learned())

    assert after(3) == 55 and after(4) == 55 + after(1) and after(6) == 110


SHORT = {"conversations": 16, "batch_size": 4, "max_tokens": 4000}


def _disk_full(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def _torch_on_a_full_disk(*_: Any) -> None:
    raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598")


def _safetensors_on_a_full_disk(*_: Any) -> None:
    raise SafetensorError("Error while serializing: I/O error: No space left (os error 28)")


def _at_step(
    monkeypatch: pytest.MonkeyPatch, name: str, step: int, happens: Callable[..., Any]
) -> None:
    """Let something happen in a method of the trainer at a step, in place of what it does."""
    usual = getattr(ChatTrainer, name)

    def instead(self: Any, *given: Any, **named: Any) -> Any:
        if self.state.global_step == step:
            happens()
        return usual(self, *given, **named)

    monkeypatch.setattr(ChatTrainer, name, instead)


@pytest.mark.parametrize("full", [_disk_full, _torch_on_a_full_disk])
def test_a_torn_checkpoint_is_passed_over(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: Callable[..., Any]
) -> None:
    config = TrainingConfig(**SHORT, save_steps=2)
    _at_step(monkeypatch, "_save_optimizer_and_scheduler", 4, full)
    with pytest.raises(ConsiliumError, match=r"Make room.*checkpoint-2"):
        train(config, tiny, tmp_path)
    monkeypatch.undo()
    assert json.loads((train(config, tiny, tmp_path) / "card.json").read_text())["steps"] == 4


@pytest.mark.parametrize("full", [_disk_full, _safetensors_on_a_full_disk])
def test_an_adapter_that_cannot_be_saved_is_saved_by_the_same_command(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: Callable[..., Any]
) -> None:
    config = TrainingConfig(**SHORT)
    monkeypatch.setattr("consilium.finetune.train._save", full)
    with pytest.raises(ConsiliumError, match=r"Make room.*checkpoint-4"):
        train(config, tiny, tmp_path)
    monkeypatch.undo()
    assert read_card(train(config, tiny, tmp_path))


def test_another_error_is_not_taken_for_a_full_disk(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("shapes differ")

    _at_step(monkeypatch, "compute_loss", 0, fail)
    with pytest.raises(RuntimeError, match="shapes differ"):
        train(TrainingConfig(**SHORT), tiny, tmp_path)


def _ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.fixture
def foreground() -> Iterator[None]:
    """Ctrl-C as in a terminal: where the tests run in the background, it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("foreground")
def test_a_ctrl_c_that_is_ignored_stays_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with (clock := Clock(1)).heeding_ctrl_c():
        _ctrl_c()
    assert not clock.interrupted


@pytest.mark.usefixtures("foreground")
def test_ctrl_c_saves_and_says_how_to_go_on(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, usual = TrainingConfig(**SHORT, save_steps=2), signal.getsignal(signal.SIGINT)
    _at_step(monkeypatch, "compute_loss", 2, _ctrl_c)
    with pytest.raises(ConsiliumError, match=r"Stopped at step 3.*checkpoint-3"):
        train(config, tiny, tmp_path)
    assert signal.getsignal(signal.SIGINT) is usual
    assert not (tmp_path / "adapter").exists()


@pytest.mark.usefixtures("foreground")
def test_a_second_ctrl_c_stops_at_once(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at_step(monkeypatch, "compute_loss", 3, lambda: (_ctrl_c(), _ctrl_c()))
    with pytest.raises(ConsiliumError, match=r"Stopped at step 3.*checkpoint-2"):
        train(TrainingConfig(**SHORT, save_steps=2), tiny, tmp_path)


def test_hours_and_tokens_are_those_of_the_training_over_all_stops(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def figures(out: Path, **changes: Any) -> dict[str, Any]:
        adapter = train(TrainingConfig(**SHORT, **changes), tiny, tmp_path / out)
        found: dict[str, Any] = json.loads((adapter / "card.json").read_text())
        return found

    now = iter(range(0, 10**9, 36))  # seconds: 0.01 hours pass with each look
    clock = SimpleNamespace(monotonic=lambda: next(now))
    monkeypatch.setattr("consilium.finetune.trainer.time", clock)
    whole = figures(tmp_path / "whole")
    stopped = figures(tmp_path / "parts", max_hours=0.015)
    assert stopped["steps"] == 2
    assert 0 < stopped["data"]["tokens"] < whole["data"]["tokens"]
    again = figures(tmp_path / "parts", max_hours=0.015)
    assert again["steps"] == 4
    assert again["data"]["tokens"] == whole["data"]["tokens"]
    assert again["hours"] > stopped["hours"] >= 0.03


@pytest.mark.usefixtures("foreground")
def test_early_stopping_goes_on_waiting_after_a_stop(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainingConfig(
        conversations=32, batch_size=4, save_steps=1, held_out=8, patience=2, learning_rate=1e-5
    )
    _at_step(monkeypatch, "compute_loss", 2, lambda: (_ctrl_c(), _ctrl_c()))
    with pytest.raises(ConsiliumError, match="checkpoint-2"):
        train(config, tiny, tmp_path)
    monkeypatch.undo()
    adapter = train(config, tiny, tmp_path)
    assert json.loads((adapter / "card.json").read_text())["steps"] == 3


def test_conversations_that_are_all_too_long_are_an_error(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ConsiliumError, match="None of 5 conversations has at most 32 tokens"):
        train(TrainingConfig(conversations=5, max_tokens=32), tiny, tmp_path)
