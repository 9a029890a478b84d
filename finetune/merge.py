"""An adapter and its base as one model, for a server that knows nothing of adapters."""

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from consilium import prompts
from consilium.assistant.domain import ConsiliumError
from consilium.assistant.llm.adapter import read_card


def merge(adapter: Path, base: Path, out: Path) -> None:
    """Write W + s B A of all layers as safetensors to `out`, with the tokenizer and the chat template.

    Raises
    ------
    ConsiliumError
        If the adapter is for another base, or was trained behind a cached prefix: that cache belongs to the base
        without the adapter, and a server would read the prompt with it.
    """
    card = read_card(adapter)
    if card.base != base.name:
        raise ConsiliumError(f"The adapter {adapter} is made for {card.base}, not for {base.name}.")
    if card.cached_prefix:
        raise ConsiliumError(
            f"The adapter {adapter} was trained behind a cached prefix (docs/decisions/0003) and is not the same when "
            "merged. Train with cached_prefix: false, or serve it with `consilium chat --adapter`."
        )
    model: Any = AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.bfloat16, local_files_only=True
    )
    merged = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    merged.save_pretrained(out)
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    tokenizer.chat_template = prompts.load("chat.jinja")
    tokenizer.save_pretrained(out)
