"""Checks of generated conversations: right by the contract, stated in the chat, and nobody else's cases.

Also measures how varied the messages are. It cannot check that a label is what a clinician would want.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from consilium.assistant.llm.stated import numbers
from consilium.finetune.synthesis.example import Call, Conversation, Turn
from consilium.tools.registry import TOOLS

# Visit numbers and the horizon may be said without a number: "the last visit", "only the next visit".
_INFERRED = {"chemotherapy_at", "radiotherapy_at", "horizon"}
_LONGEST_REPLY = 130  # words, of three results side by side
_QUOTED = {"molecule", "similar_to", "query"}
# A number with its decimals and a SMILES are one word each; the bars of a table are none.
_WORD = re.compile(r"(?=\S*\w)[^\s,;:?!.]+(?:[.,:][^\s,;:?!.]+)*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


def problems(conversation: Conversation) -> list[str]:
    """What is wrong with a conversation, in plain sentences; empty where nothing is."""
    found: list[str] = []
    said, known, attached = "", "", list[str]()
    for turn in conversation.turns:
        said += "\n" + turn.user
        attached += turn.attachments
        known += "\n" + turn.user + "".join(r.model_dump_json() + r.summary for r in turn.results)
        found += _of_turn(turn, said, attached)
        found += [f"The reply says {n}, which nobody said." for n in _ungrounded(turn.reply, known)]
    return [f"{conversation.id}: {problem}" for problem in found]


def broken(turn: Turn, attached: Sequence[str]) -> Iterator[str]:
    """What keeps a turn from being learned: calls that no tool takes, results that do not fit them, no reply.

    Parameters
    ----------
    attached : every id that was attached up to this turn.
    """
    if unknown := [call.name for call in turn.calls if call.name not in TOOLS]:
        yield f"There is no tool {unknown[0]}."
        return
    if len(turn.complete) != len(turn.results):
        yield "There is not one result for each call that lacks nothing."
    if not turn.reply.strip():
        yield "The reply is empty."
    results = iter(turn.results)
    for call in turn.calls:
        result = None if call.lacking else next(results, None)
        yield from _against_contract(call, refused=result is None or result.status == "error")
        if call.arguments.get("image") not in (None, *attached):
            yield f"{call.arguments['image']} is not attached in this turn or an earlier one."
        if unasked := [name for name in call.lacking if name not in turn.asks]:
            yield f"A call lacks {unasked[0]}, which is not asked for."


def _against_contract(call: Call, *, refused: bool) -> Iterator[str]:
    try:
        TOOLS[call.name].args.model_validate(call.arguments)
    except ValidationError as error:
        absent = {("missing", name) for name in call.lacking}
        for fault in error.errors():
            # what lacks is asked for; who asks for too many is told the limit
            limit = refused and fault["type"] == "less_than_equal"
            if limit or (fault["type"], *fault["loc"]) in absent:
                continue
            where = ".".join(map(str, (call.name, *fault["loc"])))
            yield f"The call breaks the contract: {where}: {fault['msg']}."


def _of_turn(turn: Turn, said: str, attached: Sequence[str]) -> Iterator[str]:
    if faults := list(broken(turn, attached)):
        yield from faults
        return
    lacking = {name for call in turn.calls for name in call.lacking}
    if turn.calls and set(turn.asks) - lacking:
        yield "A turn calls without what it asks for."
    if len(re.findall(r"\w\S*", turn.reply)) > _LONGEST_REPLY:
        yield f"The reply is longer than {_LONGEST_REPLY} words."
    for call in turn.calls:
        yield from _of_call(call, said)


def _of_call(call: Call, said: str) -> Iterator[str]:
    order = [name for name in TOOLS[call.name].args.model_fields if name in call.arguments]
    if list(call.arguments) != order:
        yield f"The arguments of {call.name} are not in the contract's order."
    stated = {float(number) for number in numbers(said)}
    for name, value in call.arguments.items():
        if name in _QUOTED and value not in said:
            yield f"{name} = {value!r} does not stand in the chat."
        elif name not in _INFERRED:
            yield from (f"{name} = {n} was not said." for n in _numbers(value) if n not in stated)


def _numbers(value: Any) -> list[float]:
    if isinstance(value, bool):
        return []
    if isinstance(value, int | float):
        return [float(value)]
    return (
        [number for item in value for number in _numbers(item)] if isinstance(value, list) else []
    )


def _ungrounded(reply: str, known: str) -> list[str]:
    allowed = set(_NUMBER.findall(known))
    return [number for number in _NUMBER.findall(reply) if number not in allowed]


def messages(conversations: Iterable[Conversation]) -> list[str]:
    """All that users say."""
    return [turn.user for conversation in conversations for turn in conversation.turns]


def ngrams(text: str, size: int) -> set[tuple[str, ...]]:
    """Runs of `size` words, without case and punctuation."""
    words = _WORD.findall(text.lower())
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)}


@dataclass(frozen=True)
class Overlap:
    """How near the messages come to somebody else's cases.

    `longest_shared` is the length in words of the longest run found in both; `shared` those of eight words or
    more; `nearest` the highest Jaccard similarity of word sets, 0 to 1, with the pair of messages.
    """

    longest_shared: int
    shared: list[str]
    nearest: float
    pair: tuple[str, str]


def overlap(texts: Sequence[str], cases: Path) -> Overlap:
    """Compare messages with the turns of an evaluation file (one JSON case a line)."""
    lines = cases.read_text(encoding="utf-8").splitlines()
    theirs = [turn["user"] for line in lines if line for turn in json.loads(line)["turns"]]
    longest, shared = 0, set[tuple[str, ...]]()
    for size in range(3, 13):
        reference = set().union(*(ngrams(text, size) for text in theirs))
        common = {gram for text in texts for gram in ngrams(text, size) & reference}
        if common:
            longest = size
        if size == 8:
            shared = common
    nearest, pair = 0.0, ("", "")
    bags = [(text, set(_WORD.findall(text.lower()))) for text in texts]
    for their in theirs:
        words = set(_WORD.findall(their.lower()))
        for text, bag in bags:
            similarity = len(words & bag) / max(len(words | bag), 1)
            if similarity > nearest:
                nearest, pair = similarity, (text, their)
    return Overlap(longest, sorted(" ".join(gram) for gram in shared), nearest, pair)


@dataclass(frozen=True)
class Diversity:
    """How varied messages are: shares of distinct messages and of distinct 2-, 3- and 4-word runs."""

    distinct_messages: float
    distinct_ngrams: dict[int, float]


def diversity(texts: Sequence[str]) -> Diversity:
    """Measure `texts`; 1 means that nothing occurs twice."""
    shares = {}
    for size in (2, 3, 4):
        counts = Counter(gram for text in texts for gram in ngrams(text, size))
        shares[size] = len(counts) / max(sum(counts.values()), 1)
    return Diversity(len(set(texts)) / max(len(texts), 1), shares)
