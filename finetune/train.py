"""LoRA training on conversations, on top of a constant prefix whose cache is computed once.

The system prompt and the tool signatures stand before every conversation and never change. Their key/value cache
is computed by the base model without the adapter and shared by all examples, so only the chat itself costs time
(3.4 times as many examples a second on two cores as with the prefix in full). Serving does the same
(`assistant.llm.local`). Loss is taken on the assistant's tokens only.

Interrupted runs continue from the last checkpoint when the same command is given again.
"""

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DynamicCache,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_utils import get_last_checkpoint

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.llm import template
from consilium.assistant.llm.adapter import read_card
from consilium.finetune.config import TrainingConfig
from consilium.finetune.examples import (
    IGNORED,
    BatchesOfLikeLength,
    Examples,
    collate,
    messages,
    read_conversations,
    tokenise,
)
from consilium.finetune.quick import make_quick, sampled_losses
from consilium.finetune.synthesis.example import Conversation
from consilium.finetune.synthesis.generate import generate
from consilium.tools.registry import TOOLS


class PrefixTrainer(Trainer):
    """A trainer whose examples all follow one cached prefix.

    Parameters
    ----------
    prefix : cache of the prefix for a batch of one, computed by the base model.
    decision_weight : weight in the loss of a reply's first token (call, ask or answer); all others weigh 1.
    """

    def __init__(self, prefix: DynamicCache, decision_weight: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._prefix = prefix
        self._decision_weight = decision_weight

    def _get_train_sampler(self, train_dataset: Any = None) -> BatchesOfLikeLength:
        lengths = [row["length"] for row in self.train_dataset]  # type: ignore[union-attr]
        return BatchesOfLikeLength(lengths, self.args.per_device_train_batch_size, self.args.seed)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Weighted mean cross-entropy over the assistant's tokens, nats; see `quick.sampled_losses`."""
        ids, mask, labels = inputs["input_ids"], inputs["attention_mask"], inputs["labels"]
        cache = self._for_batch(len(ids))
        seen = mask.new_ones(len(ids), self._prefix.get_seq_length())
        causal = self.accelerator.unwrap_model(model).get_base_model()
        hidden = causal.model(
            input_ids=ids, attention_mask=torch.cat([seen, mask], dim=1), past_key_values=cache
        ).last_hidden_state
        wanted = labels[:, 1:] != IGNORED
        first = wanted & (labels[:, :-1] == IGNORED)
        weights = 1 + first[wanted] * (self._decision_weight - 1)
        spoken = hidden[:, :-1][wanted]
        losses = sampled_losses(spoken, causal.lm_head.weight, labels[:, 1:][wanted], ids)
        loss = (weights * losses).sum() / weights.sum()
        return (loss, {"losses": losses}) if return_outputs else loss

    def _for_batch(self, size: int) -> DynamicCache:
        cache = DynamicCache()
        layers: list[Any] = list(self._prefix.layers)
        for index, layer in enumerate(layers):
            shape = (size, -1, -1, -1)
            cache.update(layer.keys.expand(shape), layer.values.expand(shape), index)
        return cache


@dataclass
class _TimeLimit(TrainerCallback):
    hours: float
    started: float = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.started = time.monotonic()

    def on_step_end(
        self, args: Any, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if time.monotonic() - self.started > self.hours * 3600:
            control.should_training_stop = True


class _Journal(TrainerCallback):
    """Every logged metric as a line of metrics.jsonl."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_log(
        self, args: Any, state: TrainerState, control: Any, logs: Any = None, **_: Any
    ) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": state.global_step, **(logs or {})}) + "\n")


def train(config: TrainingConfig, base: Path, out: Path) -> Path:
    """Train an adapter for the model in `base`; returns its folder (adapter, card) under `out`.

    Raises
    ------
    ConsiliumError
        If `out` holds a run with another configuration, which would be resumed wrongly.
    """
    _claim(out, config)
    torch.manual_seed(config.seed)
    conversations = list(
        read_conversations(config.data)
        if config.data
        else generate(config.conversations, seed=config.seed)
    )
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    chance = random.Random(config.seed)
    tokenised = (
        tokenise(tokenizer, messages(c, with_answer=chance.random() < config.answer_share))
        for c in conversations
    )
    examples = Examples(row for row in tokenised if len(row[0]) <= config.max_tokens)
    cuda = torch.cuda.is_available()
    model: Any = AutoModelForCausalLM.from_pretrained(
        base, dtype=_precision(cuda), local_files_only=True
    )
    model.to("cuda" if cuda else "cpu")
    prefix = _prefix_cache(model, tokenizer)
    model = _with_lora(model, config)
    if not cuda and not config.lora.dropout:
        make_quick(model)
    trainer = PrefixTrainer(
        prefix=prefix,
        decision_weight=config.decision_weight,
        model=model,
        args=TrainingArguments(
            output_dir=str(out / "checkpoints"),
            num_train_epochs=1,
            per_device_train_batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=config.warmup,
            max_grad_norm=1.0,
            remove_unused_columns=False,
            logging_steps=10,
            save_steps=config.save_steps,
            save_total_limit=2,
            seed=config.seed,
            bf16=cuda,
            use_cpu=not cuda,
            dataloader_pin_memory=cuda,
            report_to="none",
        ),
        train_dataset=examples,
        data_collator=collate,
        callbacks=[_TimeLimit(config.max_hours), _Journal(out / "metrics.jsonl")],
    )
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=_last_checkpoint(out / "checkpoints"))
    adapter = out / "adapter"
    _save(model, base.name, adapter)
    _write_card(
        adapter,
        base.name,
        config,
        conversations,
        examples,
        trainer.state,
        time.monotonic() - started,
    )
    return adapter


def _claim(out: Path, config: TrainingConfig) -> None:
    mark, wanted = out / "config.json", config.model_dump_json(indent=2)
    if mark.exists() and mark.read_text(encoding="utf-8") != wanted:
        raise ConsiliumError(f"{out} holds a run with another configuration: give another --out.")
    out.mkdir(parents=True, exist_ok=True)
    mark.write_text(wanted, encoding="utf-8")


def _prefix_cache(model: Any, tokenizer: PreTrainedTokenizerBase) -> DynamicCache:
    text = template.render(tokenizer, [template.system_message(TOOLS.values())])
    ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
    cache = DynamicCache(config=model.config)
    with torch.no_grad():
        model(ids.to(model.device), past_key_values=cache)
    return cache


def _precision(cuda: bool) -> torch.dtype:
    """Bfloat16 where the hardware multiplies it fast (CUDA, AMX tiles), else float32."""
    return torch.bfloat16 if cuda or torch.cpu._is_amx_tile_supported() else torch.float32


def _with_lora(model: Any, config: TrainingConfig) -> Any:
    if config.start_from:
        read_card(config.start_from)
        return PeftModel.from_pretrained(model, config.start_from, is_trainable=True)
    lora = LoraConfig(
        r=config.lora.rank,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, lora)


def _last_checkpoint(folder: Path) -> str | None:
    if not folder.is_dir():
        return None
    last: str | None = get_last_checkpoint(str(folder))  # type: ignore[no-untyped-call]
    return last


def _save(model: Any, base: str, adapter: Path) -> None:
    """Save in bfloat16: half the size of float32, and the base model is stored so as well."""
    model.to(torch.bfloat16)
    model.peft_config[
        "default"
    ].base_model_name_or_path = base  # its name, not a path of this machine
    model.save_pretrained(adapter, save_embedding_layers=False)
    (adapter / "README.md").unlink(missing_ok=True)  # peft's template; card.json is ours


def _write_card(
    adapter: Path,
    base: str,
    config: TrainingConfig,
    conversations: Sequence[Conversation],
    examples: Examples,
    state: TrainerState,
    seconds: float,
) -> None:
    data = "\n".join(conversation.model_dump_json() for conversation in conversations)
    card = {
        "what": "LoRA adapter that chooses call, ask or answer, and puts tool results into words",
        "base": base,
        "data": {
            "made_by": "consilium.finetune.synthesis; synthetic, no patient data",
            "conversations": len(conversations),
            "left_out_as_too_long": len(conversations) - len(examples),
            "sha256": sha256(data.encode()).hexdigest(),
            "tokens": sum(row["length"] for row in examples.rows),
        },
        "config": config.model_dump(mode="json", exclude={"data", "start_from"}),
        "continued_from": read_card(config.start_from).weights_sha256
        if config.start_from
        else None,
        "prompt_sha256": template.prompt_sha256(TOOLS.values()),
        "steps": state.global_step,
        "hours": round(seconds / 3600, 2),
        "final_loss": next((row["loss"] for row in state.log_history[::-1] if "loss" in row), None),
        "weights_sha256": sha256((adapter / "adapter_model.safetensors").read_bytes()).hexdigest(),
        "date": time.strftime("%Y-%m-%d"),
    }
    (adapter / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
