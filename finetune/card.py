"""The card beside an adapter for tool calls: where it comes from and what it is, for people and for serving."""

import json
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from transformers import TrainerState

from consilium.assistant.llm import template
from consilium.assistant.llm.adapter import read_card
from consilium.finetune.config import TrainingConfig
from consilium.finetune.trainer import hours_in
from consilium.tools.registry import TOOLS


def write_card(
    adapter: Path,
    base: str,
    config: TrainingConfig,
    data: Mapping[str, Any],
    state: TrainerState,
) -> None:
    """Write `card.json` beside the weights; `assistant.llm.adapter.AdapterCard` is what serving reads of it."""
    before = json.loads((config.start_from / "card.json").read_text()) if config.start_from else {}
    earlier = [*before.pop("earlier_parts", ()), before] if before else []
    card = {
        "what": "LoRA adapter that chooses to call or to answer, and puts tool results into words",
        "base": base,
        "data": dict(data),
        "config": config.model_dump(mode="json", exclude={"data", "start_from"}),
        "cached_prefix": config.cached_prefix,
        "continued_from": read_card(config.start_from).weights_sha256
        if config.start_from
        else None,
        "prompt_sha256": template.prompt_sha256(TOOLS.values()),
        "steps": state.global_step,
        "hours": round(hours_in(state), 2),
        "held_out_exact": state.best_metric,
        "final_loss": next((row["loss"] for row in state.log_history[::-1] if "loss" in row), None),
        "weights_sha256": sha256((adapter / "adapter_model.safetensors").read_bytes()).hexdigest(),
        "date": time.strftime("%Y-%m-%d"),
        "earlier_parts": earlier,
    }
    (adapter / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
