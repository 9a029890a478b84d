"""Conversations that an adapter does not yet say exactly, to train on next.

    python -m consilium.finetune.mistakes --conversations 12000 --seed 97 --out data.jsonl [--adapter FOLDER]

After some hours most conversations teach nothing more: their every token is the most probable one already. Reading them
costs half of learning them, so a run on what is left learns more in the same time (online hard example mining,
Shrivastava 2016, arXiv 1604.03540). A share of what is said right is kept, so that it stays right.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch
from peft import PeftModel
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

from consilium.assistant.llm.adapter import read_card, shipped_adapter
from consilium.assistant.llm.weights import ensure_embedded
from consilium.assistant.settings import load_settings
from consilium.finetune.examples import collate, tokenise_fitting
from consilium.finetune.prefixed import learn_after, prefix_cache, prefix_ids
from consilium.finetune.quick import make_quick, precision
from consilium.finetune.synthesis.example import Conversation
from consilium.finetune.synthesis.generate import generate

_BATCH = 16


def said_right(
    adapter: Path, base: Path, conversations: Sequence[Conversation], max_tokens: int
) -> Iterator[tuple[Conversation, bool]]:
    """Each conversation, shortest first, and whether every token of its calls is the most probable one.

    Those whose first turn has more than `max_tokens` are left out.
    """
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    model: Any = AutoModelForCausalLM.from_pretrained(
        base, dtype=precision(), local_files_only=True
    )
    ids = prefix_ids(tokenizer)
    prefix = prefix_cache(model, ids) if read_card(adapter).cached_prefix else ids
    model = PeftModel.from_pretrained(model, adapter).eval()
    make_quick(model)
    learn_after(model, prefix, decision_weight=1, sampled=False)
    rows = [
        (chat, row)
        for chat in conversations
        if (row := tokenise_fitting(tokenizer, chat, max_tokens, with_answer=False))
    ]
    rows.sort(key=lambda pair: len(pair[1][0]))
    for start in tqdm(range(0, len(rows), _BATCH), unit="batch", desc="read"):
        some = rows[start : start + _BATCH]
        batch = collate([{"input_ids": row[0], "labels": row[1]} for _, row in some])
        with torch.no_grad():
            right = model(**batch)["right"].all(dim=1).tolist()
        yield from zip((chat for chat, _ in some), right, strict=True)


def main() -> None:
    """Write the conversations kept, one a line, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--adapter", type=Path, default=shipped_adapter())
    parser.add_argument("--conversations", type=int, default=12000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-tokens", type=int, default=400)
    parser.add_argument("--right-share", type=float, default=0.2, help="kept of those said right")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    drawn = list(generate(options.conversations, seed=options.seed))
    chance = Random(options.seed)
    base = ensure_embedded(load_settings().home)
    found = list(said_right(options.adapter, base, drawn, options.max_tokens))
    kept = [chat for chat, right in found if not right or chance.random() < options.right_share]
    options.out.write_text("".join(f"{chat.model_dump_json()}\n" for chat in kept), "utf-8")
    wrong = sum(not right for _, right in found)
    print(f"{wrong} of {len(found)} not said exactly, {len(kept)} kept in {options.out}")  # noqa: T201


if __name__ == "__main__":
    main()
