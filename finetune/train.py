"""LoRA training on conversations, on top of a constant prefix whose cache is computed once.

The system prompt and the tool signatures stand before every conversation and never change. Their key/value cache
is computed by the base model without the adapter and shared by all examples, so only the chat itself costs time
(3.4 times as many examples a second on two cores as with the prefix in full). Serving does the same
(`assistant.llm.local`). Loss is taken on the assistant's tokens only.

Interrupted runs continue from the last checkpoint when the same command is given again. Under `torchrun` or
`accelerate launch` the batches are shared among the processes; `batch_size` is then that of one process.
"""

import json
import logging
import os
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    EarlyStoppingCallback,
    PreTrainedTokenizerBase,
    TrainerCallback,
    TrainingArguments,
)

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.llm import template
from consilium.assistant.llm.adapter import read_card
from consilium.finetune.card import write_card
from consilium.finetune.checkpoints import last_checkpoint, resumable
from consilium.finetune.config import TrainingConfig
from consilium.finetune.examples import Examples, collate, tokenise_fitting
from consilium.finetune.own_data import read_conversations
from consilium.finetune.prefixed import call_ends, learn_after, prefix_cache, prefix_ids
from consilium.finetune.quick import make_quick, precision
from consilium.finetune.settings import LoraSettings, digest
from consilium.finetune.synthesis.example import Conversation
from consilium.finetune.synthesis.generate import generate
from consilium.finetune.trainer import ChatTrainer, Clock, Journal, shares
from consilium.tools.registry import TOOLS

_log = logging.getLogger(__name__)
_SYNTHESIS = "consilium.finetune.synthesis; synthetic, no patient data"


def train(config: TrainingConfig, base: Path, out: Path) -> Path:
    """Train an adapter for the model in `base`; returns its folder (adapter, card) under `out`.

    Raises
    ------
    ConsiliumError
        If `out` holds a run of another configuration, base model, prompt, data or number of processes, which would be
        resumed wrongly; if the data has a broken line or nothing short enough; if the adapter to start from is for
        another base or of other LoRA values than asked for; if a checkpoint cannot be written; on Ctrl-C, with how to
        go on.
    """
    start, lora = _start(config, base)
    numbered = (
        read_conversations(config.data)
        if config.data
        else dict(enumerate(generate(config.conversations, seed=config.seed), start=1))
    )
    conversations = list(numbered.values())
    data = digest(conversation.model_dump_json() for conversation in conversations)
    config.claim(
        out,
        base_model=base.name,
        data_sha256=data,
        start_from_sha256=start,
        prompt_sha256=template.prompt_sha256(TOOLS.values()),
        processes=os.environ.get("WORLD_SIZE", "1"),
    )
    config = config.model_copy(update={"lora": lora})
    torch.manual_seed(config.seed)
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    examples, left_out = _examples(tokenizer, conversations, config, config.answer_share)
    if not len(examples):
        raise ConsiliumError(
            f"None of {len(conversations)} conversations has at most {config.max_tokens} tokens (max_tokens)."
        )
    if config.data and left_out:
        lines = [str(line) for line in numbered]
        _log.warning(
            "%s: %d of %d conversations are left out, their first turn has over %d tokens (max_tokens): line %s",
            *(config.data, len(left_out), len(lines), config.max_tokens),
            ", ".join(lines[i] for i in left_out),
        )
    held_out, _ = _examples(
        tokenizer, generate(config.held_out, seed=config.seed, split="heldout"), config, 0
    )
    clock = Clock(config.max_hours)
    trainer = _trainer(config, base, tokenizer, examples, held_out, [clock, Journal(out)], out)
    adapter = out / "adapter"
    with resumable(trainer):
        with clock.heeding_ctrl_c():
            trainer.train(resume_from_checkpoint=last_checkpoint(out / "checkpoints"))
        if clock.interrupted:
            raise KeyboardInterrupt
        # Under FSDP every process gives its part.
        weights = trainer.accelerator.get_state_dict(trainer.model)
        if trainer.is_world_process_zero():
            _save(trainer.accelerator.unwrap_model(trainer.model), weights, base.name, adapter)
            written = {
                "made_by": config.data.name if config.data else _SYNTHESIS,
                "conversations": len(conversations),
                "left_out_as_too_long": len(left_out),
                "sha256": data,
                "tokens": trainer.tokens_learned(),
            }
            write_card(adapter, base.name, config, written, trainer.state)
    trainer.accelerator.wait_for_everyone()
    return adapter


def _examples(
    tokenizer: PreTrainedTokenizerBase,
    conversations: Iterable[Conversation],
    config: TrainingConfig,
    answer_share: float,
) -> tuple[Examples, list[int]]:
    """Conversations as tokens, and which of them (from 0) are too long."""
    chance = random.Random(config.seed)
    tokenised = [
        tokenise_fitting(
            tokenizer, c, config.max_tokens, with_answer=chance.random() < answer_share
        )
        for c in conversations
    ]
    left_out = [number for number, row in enumerate(tokenised) if not row]
    return Examples(row for row in tokenised if row), left_out


def _trainer(
    config: TrainingConfig,
    base: Path,
    tokenizer: PreTrainedTokenizerBase,
    examples: Examples,
    held_out: Examples,
    callbacks: list[TrainerCallback],
    out: Path,
) -> ChatTrainer:
    cuda = torch.cuda.is_available()
    alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    ids = prefix_ids(tokenizer)
    model = _base(config, base, cuda)
    prefix = prefix_cache(model, ids) if config.cached_prefix else ids
    model = with_lora(model, config)
    quick = _quick(config, cuda)
    if quick:
        make_quick(model)
    learn_after(
        model,
        prefix,
        decision_weight=config.decision_weight,
        sampled=quick,
        ends=call_ends(tokenizer),
    )
    measured = "steps" if len(held_out) else "no"
    if len(held_out):
        callbacks = [*callbacks, EarlyStoppingCallback(config.patience)]
    return ChatTrainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(out / "checkpoints"),
            num_train_epochs=1,
            max_steps=config.max_steps or -1,  # -1: by the epochs
            per_device_train_batch_size=config.batch_size,
            per_device_eval_batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=config.warmup,
            max_grad_norm=1.0,
            remove_unused_columns=False,
            logging_steps=10,
            save_steps=config.save_steps,
            save_total_limit=2,
            eval_strategy=measured,
            eval_steps=config.save_steps,
            load_best_model_at_end=bool(len(held_out)),
            restore_callback_states_from_checkpoint=True,  # how long early stopping has waited
            metric_for_best_model="exact" if len(held_out) else None,
            greater_is_better=True,
            seed=config.seed,
            bf16=cuda,
            use_cpu=not cuda,
            ddp_backend=None if cuda or alone else "gloo",
            ddp_find_unused_parameters=False,
            dataloader_pin_memory=cuda,
            report_to="none",
        ),
        train_dataset=examples,
        eval_dataset=held_out if len(held_out) else None,
        compute_metrics=shares,
        data_collator=collate,
        callbacks=callbacks,
    )


def _base(config: TrainingConfig, base: Path, cuda: bool) -> Any:
    kind = precision()
    device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if cuda else "cpu"
    four_bits = config.quantization == "nf4"
    model = AutoModelForCausalLM.from_pretrained(
        base,
        dtype=kind,
        quantization_config=BitsAndBytesConfig(  # type: ignore[no-untyped-call]
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=kind,
        )
        if four_bits
        else None,
        device_map={"": device},
        local_files_only=True,
    )
    if four_bits:
        return prepare_model_for_kbit_training(  # type: ignore[no-untyped-call]
            model, use_gradient_checkpointing=False
        )
    return model


def _quick(config: TrainingConfig, cuda: bool) -> bool:
    if config.quick is not None:
        return config.quick
    possible = config.quantization == "none" and not config.lora.dropout
    return possible and not cuda and precision() is torch.bfloat16


def _start(config: TrainingConfig, base: Path) -> tuple[str, LoraSettings]:
    """The sha256 of the adapter to start from (for this base; empty where there is none), and the LoRA values."""
    if not config.start_from:
        return "", config.lora
    card = read_card(config.start_from)
    if card.base != base.name:
        raise ConsiliumError(
            f"The adapter {config.start_from} (start_from) is made for {card.base}, not for {base.name}."
        )
    lora = _lora_of(config.start_from)
    for name in config.lora.model_fields_set:
        if (asked := getattr(config.lora, name)) != (has := getattr(lora, name)):
            raise ConsiliumError(
                f"lora.{name} is {asked}, and the adapter {config.start_from} (start_from) has {has}: leave it out."
            )
    if config.quick and lora.dropout:
        raise ConsiliumError(
            f"The adapter {config.start_from} (start_from) has dropout: set quick: false."
        )
    return card.weights_sha256, lora


def _lora_of(adapter: Path) -> LoraSettings:
    try:
        written = json.loads((adapter / "adapter_config.json").read_bytes())
        return LoraSettings(
            rank=written["r"], alpha=written["lora_alpha"], dropout=written["lora_dropout"]
        )
    except (OSError, ValueError, KeyError) as error:
        raise ConsiliumError(
            f"{adapter / 'adapter_config.json'} is not there or cannot be read."
        ) from error


def with_lora(model: Any, config: TrainingConfig) -> Any:
    """A new adapter on all linear layers of `model`, or the one to start from."""
    if config.start_from:
        return PeftModel.from_pretrained(model, config.start_from, is_trainable=True)
    lora = LoraConfig(
        r=config.lora.rank,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, lora)


def _save(model: Any, weights: dict[str, Any], base: str, adapter: Path) -> None:
    """Save in bfloat16: half the size of float32, and the base model is stored so as well."""
    model.peft_config[
        "default"
    ].base_model_name_or_path = base  # its name, not a path of this machine
    half = {n: w.to(torch.bfloat16) for n, w in weights.items() if "lora_" in n}
    model.save_pretrained(adapter, state_dict=half, save_embedding_layers=False)
    (adapter / "README.md").unlink(missing_ok=True)  # peft's template; card.json is ours
