"""`python -m consilium.finetune.synthesis --count N --seed S --split train --out FILE [--cases]`: checked data."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from consilium.finetune.synthesis.as_cases import as_case
from consilium.finetune.synthesis.example import Conversation
from consilium.finetune.synthesis.generate import generate
from consilium.finetune.synthesis.verify import diversity, messages, overlap, problems


def main() -> int:
    """Write conversations as JSONL; 1 where a conversation fails its checks or resembles a given case."""
    parser = argparse.ArgumentParser(prog="consilium.finetune.synthesis", description=main.__doc__)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--split", choices=("train", "heldout"), default="train")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--cases", action="store_true", help="write cases for `consilium eval tools`"
    )
    parser.add_argument("--unlike", type=Path, help="evaluation cases that must not be resembled")
    options = parser.parse_args()

    conversations = list(generate(options.count, options.seed, options.split))
    faults = [problem for conversation in conversations for problem in problems(conversation)]
    for fault in faults[:20]:
        print(fault, file=sys.stderr)  # noqa: T201
    if faults:
        return 1
    if options.cases:
        conversations = [c for c in conversations if _can_be_case(c)]
    with options.out.open("w", encoding="utf-8") as out:
        rows = map(as_case, conversations) if options.cases else conversations
        out.writelines(f"{row.model_dump_json()}\n" for row in rows)

    texts = messages(conversations)
    varied = diversity(texts)
    counts = Counter(conversation.category for conversation in conversations)
    print(f"{options.out}: {len(conversations)} conversations, {len(texts)} turns")  # noqa: T201
    print(", ".join(f"{category} {n}" for category, n in counts.most_common()))  # noqa: T201
    print(f"distinct messages {varied.distinct_messages:.3f}")  # noqa: T201
    for size, share in varied.distinct_ngrams.items():
        print(f"distinct {size}-grams {share:.3f}")  # noqa: T201
    if options.unlike:
        near = overlap(texts, options.unlike)
        print(f"longest run of words shared with {options.unlike.name}: {near.longest_shared}")  # noqa: T201
        print(f"nearest neighbour similarity {near.nearest:.2f}: {near.pair}")  # noqa: T201
        return 1 if near.shared else 0
    return 0


def _can_be_case(conversation: Conversation) -> bool:
    """Whether films come with the first message, and no turn is about a result alone."""
    at_once = conversation.attachments == conversation.turns[0].attachments
    return at_once and conversation.category != "result"


if __name__ == "__main__":
    sys.exit(main())
