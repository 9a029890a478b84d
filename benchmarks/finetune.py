"""Tokens a second of LoRA training on this machine, plain PEFT against `finetune.quick`, in one run.

    python benchmarks/finetune.py [--batches 3] [--batch-size 4]

The same batches of synthetic conversations behind the cached prefix, forward, backward and optimiser step; the first
batch of each is not timed. Tokens are those of the chats, without the prefix and without padding.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from consilium.assistant.llm.weights import ensure_embedded
from consilium.assistant.settings import load_settings
from consilium.finetune.config import TrainingConfig
from consilium.finetune.examples import Examples, collate, messages, tokenise
from consilium.finetune.prefixed import learn_after, prefix_cache, prefix_ids
from consilium.finetune.quick import make_quick
from consilium.finetune.synthesis.generate import generate
from consilium.finetune.train import with_lora


def speed(
    base: Path, batches: list[dict[str, torch.Tensor]], *, kind: torch.dtype, quick: bool
) -> float:
    """Tokens a second."""
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=kind, local_files_only=True)
    prefix = prefix_cache(model, prefix_ids(tokenizer))
    model = with_lora(model, TrainingConfig())
    if quick:
        make_quick(model)
    learn_after(model, prefix, decision_weight=1, sampled=quick)
    model.train()
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-4)
    started = tokens = 0.0
    for number, batch in enumerate(batches):
        if number == 1:
            started = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=kind == torch.bfloat16 and not quick):
            model(**batch)["loss"].backward()
        optimiser.step()
        optimiser.zero_grad()
        tokens += float(batch["attention_mask"].sum()) if number else 0
    return tokens / (time.perf_counter() - started)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batches", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=4)
    options = parser.parse_args()
    base = ensure_embedded(load_settings().home)
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    chats = generate((options.batches + 1) * options.batch_size, seed=5)
    rows = Examples(tokenise(tokenizer, messages(c, with_answer=False)) for c in chats).rows
    rows.sort(key=lambda row: row["length"])
    size = options.batch_size
    batches = [collate(rows[start : start + size]) for start in range(0, len(rows), size)]
    print(f"{torch.get_num_threads()} threads, {len(batches) - 1} batches of {size}")
    kinds = [torch.float32, *([torch.bfloat16] if torch.cpu._is_amx_tile_supported() else [])]
    for kind in kinds:
        plain, quick = (speed(base, batches, kind=kind, quick=q) for q in (False, True))
        print(
            f"{kind!s:15} plain {plain:6.0f} tokens/s   quick {quick:6.0f}   ratio {quick / plain:.2f}"
        )


if __name__ == "__main__":
    main()
