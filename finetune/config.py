"""One training run as its YAML file says it."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from consilium.finetune.settings import RunSettings


class TrainingConfig(RunSettings):
    """One training run, as its YAML file says; unknown keys are refused.

    Attributes
    ----------
    conversations : how many the synthesis draws, where `data` (a JSONL file of conversations) is not given.
    max_tokens : longer conversations lose their last turns; the card counts those whose first turn is too long.
    answer_share : share of conversations in which the words about the last results are learned, too.
    decision_weight : weight in the loss of a reply's first token (call or answer) and of the one that ends a call.
    cached_prefix : prompt and tool signatures are read once, without the adapter (docs/decisions/0003). Without it
        each example has them in full: slower, and the adapter can be merged for any server.
    quick : `finetune.quick`; null uses it where it is quicker: on a CPU that multiplies bfloat16, without 4-bit weights
        and dropout.
    quantization : "nf4" is QLoRA (Dettmers 2023, arXiv 2305.14314): the base in 4 bits, adapters in full.
    batch_size : conversations per step and process.
    held_out : conversations in wording held back from training (of the frames every eighth, by the same hands) on which
        calls are measured every `save_steps`; 0 for none.
    patience : measurements without a better one before training stops.
    """

    conversations: int = Field(3600, ge=1)
    data: Path | None = None
    max_tokens: int = Field(400, ge=32)
    answer_share: float = Field(0.35, ge=0, le=1)
    decision_weight: float = Field(1.0, gt=0)
    start_from: Path | None = None
    cached_prefix: bool = True
    quick: bool | None = None
    quantization: Literal["none", "nf4"] = "none"
    batch_size: int = Field(8, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    warmup: float = Field(0.05, ge=0, lt=1)
    max_steps: int | None = Field(None, ge=1)
    max_hours: float = Field(1.0, gt=0)
    save_steps: int = Field(50, ge=1)
    held_out: int = Field(0, ge=0)
    patience: int = Field(5, ge=1)

    @model_validator(mode="after")
    def _quick_is_possible(self) -> Self:
        if self.quick and (self.quantization != "none" or self.lora.dropout):
            raise ValueError("quick cannot go with 4-bit weights or dropout: set quick: false")
        return self
