"""One fine-tuning run on questions, as its YAML file (`task: qa`) says it."""

from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, model_validator

from consilium.finetune.qa.datasets import Dataset
from consilium.finetune.qa.model import Precision, Quantization
from consilium.finetune.settings import RunSettings


class QaConfig(RunSettings):
    """One run; unknown keys are refused.

    Parameters
    ----------
    dataset, data : as for `consilium eval qa`; only the training part is read. A relative `data` is looked for from
        where the command is given.
    base : model folder or hub id; empty: the embedded model.
    explanations : ask each question also over its explanation (PubMedQA: the abstract's conclusion) instead of its
        context; twice the examples, and the added ones are short.
    folds, folds_run : cross-validation of the recipe on the training questions before the run itself: so many parts,
        of which so many are held out in turn (0: none). The answers on them calibrate the adapter.
    batch_size, accumulate : questions a step = batch_size * accumulate * processes.
    max_tokens : longest prompt; a longer context loses its beginning.
    trainable_layers : adapters in the last so many layers only (0: all); the rest needs no backward pass.
    precision : of weights and arithmetic; adapters are float32 on any.
    quantization : "nf4" is QLoRA.
    quick : `finetune.quick` on a CPU: for models with plain causal attention (Llama, SmolLM2), without dropout.
    checkpointing : recompute activations in the backward pass: less memory, a third slower.
    """

    task: Literal["qa"]
    dataset: Dataset
    data: Path
    base: str = ""
    allow_download: bool = False
    explanations: bool = False
    folds: int = Field(5, ge=2)
    folds_run: int = Field(0, ge=0)
    epochs: int = Field(3, ge=1)
    batch_size: int = Field(8, ge=1)
    accumulate: int = Field(1, ge=1)
    learning_rate: float = Field(3e-4, gt=0)
    warmup: float = Field(0.1, ge=0, lt=1)
    weight_decay: float = Field(0.01, ge=0)
    max_tokens: int = Field(448, ge=64)
    trainable_layers: int = Field(0, ge=0)
    precision: Precision = "auto"
    quantization: Quantization = "none"
    quick: bool = False
    checkpointing: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.folds_run > self.folds:
            raise ValueError(f"folds_run is {self.folds_run}, and there are {self.folds} folds")
        if self.quick and (self.lora.dropout or self.quantization != "none"):
            raise ValueError("quick does not go with lora.dropout or quantization")
        return self


def task_of(path: Path) -> str:
    """Which task a YAML file is for: "qa", or "" where it does not say (tool calls)."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return ""  # its own reader says what is wrong with it
    return str(found.get("task", "")) if isinstance(found, dict) else ""
