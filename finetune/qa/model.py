"""Loads a causal language model and, if wanted, an adapter, for scoring or training, on CPU or GPU."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from consilium.assistant.domain import ConsiliumError

Precision = Literal["auto", "fp32", "bf16"]
Quantization = Literal["none", "nf4"]


@dataclass
class Loaded:
    """A model with its tokenizer; `name` is the folder's name or the hub id."""

    name: str
    model: Any
    tokenizer: PreTrainedTokenizerBase

    @property
    def context_length(self) -> int:
        """Tokens that fit."""
        config = self.model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", 2048))


def load_model(
    source: str | Path,
    *,
    precision: Precision = "auto",
    quantization: Quantization = "none",
    device: Literal["auto", "cpu", "cuda"] = "auto",
    local_files_only: bool = True,
) -> Loaded:
    """Load a model folder or hub id.

    Parameters
    ----------
    precision : of weights and arithmetic; "auto" is bfloat16 on CUDA and float32 on CPU.
    quantization : "nf4" stores the weights in 4 bits (bitsandbytes).

    Raises
    ------
    ConsiliumError
        If it cannot be loaded.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]
    target = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    half = precision == "bf16" or (precision == "auto" and target == "cuda")
    dtype = torch.bfloat16 if half else torch.float32
    config = None
    if quantization == "nf4":
        config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=local_files_only)
        model = AutoModelForCausalLM.from_pretrained(
            source,
            dtype=dtype,
            quantization_config=config,
            device_map={"": target},
            local_files_only=local_files_only,
            use_safetensors=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ConsiliumError(
            f"The language model {source} cannot be loaded ({type(error).__name__}: "
            f"{str(error).partition(chr(10))[0]})."
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return Loaded(name_of(source), model.eval(), tokenizer)  # type: ignore[no-untyped-call]


def name_of(source: str | Path) -> str:
    """What a model is called: its folder's name or its hub id."""
    return Path(source).name if Path(source).exists() else str(source)


def with_adapter(loaded: Loaded, adapter: Path) -> Loaded:
    """The model under an adapter (not merged).

    Raises
    ------
    ConsiliumError
        If the adapter is incomplete or made for another base model.
    """
    from peft import PeftModel  # slow to import, and not needed without an adapter

    config = adapter / "adapter_config.json"
    try:
        base = json.loads(config.read_text(encoding="utf-8")).get("base_model_name_or_path", "")
    except (OSError, ValueError) as error:
        raise ConsiliumError(f"{config} cannot be read: this is no adapter.") from error
    try:
        tuned = PeftModel.from_pretrained(loaded.model, adapter)
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise ConsiliumError(
            f"The adapter {adapter} does not fit {loaded.name}: it is made for {base or 'another'}."
        ) from error
    return Loaded(loaded.name, tuned.eval(), loaded.tokenizer)
