"""How often an adapter says each reply exactly, on conversations whose wording was never trained on.

    python -m consilium.finetune.held_out [--adapter FOLDER] [--count 400] [--seed 1]

A conversation counts when every token of every reply (calls included) is the most probable one, which is when greedy
decoding without a grammar would say it so. The frames among them are every eighth by the same hands: real cases by
other hands are what `consilium eval tools` is for.
"""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

from consilium.assistant.llm.adapter import read_card, shipped_adapter
from consilium.assistant.llm.weights import ensure_embedded
from consilium.assistant.settings import load_settings
from consilium.finetune.examples import collate, messages, tokenise
from consilium.finetune.prefixed import learn_after, prefix_cache, prefix_ids
from consilium.finetune.synthesis.example import Category
from consilium.finetune.synthesis.generate import generate
from consilium.tools.interval import wilson

_BATCH = 16


def exact_by_category(
    adapter: Path, base: Path, *, count: int, seed: int
) -> dict[Category, tuple[int, int]]:
    """Right and all of `count` held-out conversations, for each category."""
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    model: Any = AutoModelForCausalLM.from_pretrained(base, local_files_only=True)
    ids = prefix_ids(tokenizer)
    prefix = prefix_cache(model, ids) if read_card(adapter).cached_prefix else ids
    model = PeftModel.from_pretrained(model, adapter).eval()
    learn_after(model, prefix, decision_weight=1, sampled=False)
    rows = [
        (c.category, *tokenise(tokenizer, messages(c, with_answer=False)))
        for c in generate(count, seed=seed, split="heldout")
    ]
    rows.sort(key=lambda row: len(row[1]))
    right, total = Counter[Category](), Counter[Category]()
    for start in tqdm(range(0, len(rows), _BATCH), unit="batch", desc="held out"):
        some = rows[start : start + _BATCH]
        batch = collate([{"input_ids": row[1], "labels": row[2]} for row in some])
        with torch.no_grad():
            whole = model(**batch)["right"].all(dim=1).tolist()
        total.update(row[0] for row in some)
        right.update(row[0] for row, good in zip(some, whole, strict=True) if good)
    return {category: (right[category], total[category]) for category in sorted(total)}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--adapter", type=Path, default=shipped_adapter())
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    base = ensure_embedded(load_settings().home)
    found = exact_by_category(options.adapter, base, count=options.count, seed=options.seed)
    right, total = (sum(pair[i] for pair in found.values()) for i in (0, 1))
    for name, pair in (*found.items(), ("all", (right, total))):
        percent, low, high = (100 * share for share in (pair[0] / pair[1], *wilson(*pair)))
        print(f"{name:10} {pair[0]:4} of {pair[1]:4} {percent:6.1f} % ({low:.1f} to {high:.1f})")  # noqa: T201


if __name__ == "__main__":
    main()
