"""The Trainer of a QA run: cross-entropy over the options' likelihoods."""

import json
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset
from transformers import Trainer, TrainerCallback, TrainerState, TrainingArguments

from consilium.finetune.qa.batches import collate, option_logits
from consilium.finetune.qa.config import QaConfig


class QaTrainer(Trainer):
    """A trainer that learns which option is right."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Mean cross-entropy over the options, nats."""
        logits = option_logits(model, inputs)
        loss = torch.nn.functional.cross_entropy(logits, inputs["answer"])
        return (loss, logits) if return_outputs else loss

    def prediction_step(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[Any, Any, Any]:
        """Loss, option logits and answers of a batch."""
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            loss, logits = self.compute_loss(model, inputs, return_outputs=True)
        return loss.detach(), logits.detach(), inputs["answer"]


class _Journal(TrainerCallback):
    """Every logged metric as a line of metrics.jsonl."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_log(
        self, args: Any, state: TrainerState, control: Any, logs: Any = None, **_: Any
    ) -> None:
        if state.is_world_process_zero:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": state.global_step, **(logs or {})}) + "\n")


def _accuracy(predicted: Any) -> dict[str, float]:
    choices = predicted.predictions.argmax(axis=1)
    return {"accuracy": float((choices == predicted.label_ids).mean())}


def make_trainer(
    model: Any, config: QaConfig, train: Dataset[Any], held_out: Dataset[Any] | None, out: Path
) -> QaTrainer:
    """A trainer that writes checkpoints and logs to `out`, and measures on `held_out` after every epoch."""
    cuda = torch.cuda.is_available()
    arguments = TrainingArguments(
        output_dir=str(out / "checkpoints"),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.batch_size,
        gradient_accumulation_steps=config.accumulate,
        gradient_checkpointing=config.checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if config.checkpointing else None,
        learning_rate=config.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=config.warmup,
        weight_decay=config.weight_decay,
        max_grad_norm=1.0,
        eval_strategy="epoch" if held_out is not None else "no",
        save_strategy="epoch",
        save_total_limit=1,
        label_names=["answer"],
        remove_unused_columns=False,
        logging_steps=10,
        seed=config.seed,
        bf16=config.precision == "bf16" or (config.precision == "auto" and cuda),
        use_cpu=not cuda,
        dataloader_pin_memory=cuda,
        report_to=[],
        ddp_find_unused_parameters=False,
    )
    return QaTrainer(
        model=model,
        args=arguments,
        train_dataset=train,
        eval_dataset=held_out,
        data_collator=collate,
        compute_metrics=_accuracy,
        callbacks=[_Journal(out / "metrics.jsonl")],
    )
