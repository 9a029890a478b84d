"""Draws conversations from all scenes, reproducibly: conversation i of a seed is always the same."""

from collections.abc import Iterator, Sequence
from random import Random

from consilium.finetune.synthesis import followups, scenes
from consilium.finetune.synthesis.example import Category, Conversation, Turn
from consilium.finetune.synthesis.frames import Frame, frames
from consilium.finetune.synthesis.frames.pairs import paired
from consilium.finetune.synthesis.voices import Split, Writer

FRAMED = 0.75  # of all conversations
PAIRED = 0.15  # of these; half of them do not fit together and stay alone
_NEIGHBOURS = (
    40  # so far apart in their file, most likely by the same hand and in the same language
)
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


def category_of(turns: Sequence[Turn]) -> Category:
    """What kind of conversation some turns make."""
    if len(turns) > 1:
        return "followup"
    calls = turns[0].calls
    if not calls:
        return "none"
    if len(calls) > 1:
        return "parallel"
    return "missing" if calls[0].lacking else "single"


def _frame(writer: Writer) -> Frame:
    chats = frames(writer.split)
    number = writer.rng.randrange(len(chats))
    if not writer.chance(PAIRED):
        return chats[number]
    neighbour = chats[(number + writer.rng.randint(1, _NEIGHBOURS)) % len(chats)]
    return paired(writer, chats[number], neighbour) or chats[number]


def framed(frame: Frame, writer: Writer, name: str) -> Conversation:
    """A conversation that a frame gives."""
    turns = frame.fill(writer)
    return _conversation(name, category_of(turns), turns)


def _conversation(name: str, category: Category, turns: list[Turn]) -> Conversation:
    attached = [image for turn in turns for image in turn.attachments]
    return Conversation(id=name, category=category, attachments=attached, turns=turns)


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
        name = f"{split}-{seed}-{number:06d}"
        if writer.chance(FRAMED):
            yield framed(_frame(writer), writer, name)
            continue
        category = rng.choices(tuple(SHARES), tuple(SHARES.values()))[0]
        yield _conversation(name, category, _turns(category, writer))
