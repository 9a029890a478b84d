"""Draws conversations from all scenes, reproducibly: conversation i of a seed is always the same."""

from collections.abc import Iterator
from random import Random

from consilium.finetune.synthesis import followups, scenes
from consilium.finetune.synthesis.example import Category, Conversation, Turn
from consilium.finetune.synthesis.voices import Split, Writer

SHARES: dict[Category, float] = {
    "single": 34,
    "parallel": 23,
    "missing": 13,
    "none": 5,
    "followup": 23,
    "result": 2,
}


def _turns(category: Category, writer: Writer) -> list[Turn]:
    match category:
        case "single":
            return [scenes.single(writer)]
        case "parallel":
            return [scenes.parallel(writer)]
        case "missing":
            return [scenes.missing(writer)]
        case "none":
            return [scenes.remark(writer)]
        case "followup":
            return followups.followup(writer)
        case "result":
            return followups.about_result(writer)


def generate(count: int, seed: int, split: Split = "train") -> Iterator[Conversation]:
    """Conversations with gold calls, results and replies.

    Parameters
    ----------
    count : how many; the first n of a longer run are the same as a run of n.
    seed : any integer.
    split : "train", or "heldout" with surface forms that "train" never uses.
    """
    for number in range(count):
        # Not for secrets: a seeded source makes the data set reproducible.
        rng = Random(f"{split}/{seed}/{number}")
        writer = Writer(rng, split)
        category = rng.choices(tuple(SHARES), tuple(SHARES.values()))[0]
        turns = _turns(category, writer)
        yield Conversation(
            id=f"{split}-{seed}-{number:06d}",
            category=category,
            attachments=[image for turn in turns for image in turn.attachments],
            turns=turns,
        )
