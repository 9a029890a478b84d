"""Whether evaluated questions stand in training texts: word n-grams that both hold (Brown 2020, appendix C)."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from consilium.finetune.qa.items import Item
from consilium.finetune.qa.rows import json_lines

NGRAM = 13  # words, as in the published checks; a shorter question is compared whole
_EXAMPLES = 20


def words(text: str) -> list[str]:
    """Lower-case words and numbers of a text."""
    return re.findall(r"[a-z0-9]+", text.lower())


def ngrams(text: str, size: int = NGRAM) -> set[str]:
    """Runs of `size` words; the whole text where it is shorter (8 words or more, else nothing)."""
    found = words(text)
    if 8 <= len(found) < size:
        return {" ".join(found)}
    return {" ".join(found[i : i + size]) for i in range(len(found) - size + 1)}


def check(items: Sequence[Item], training: Iterable[str], size: int = NGRAM) -> dict[str, Any]:
    """How many evaluated questions share an n-gram with the training texts, and which.

    Question, context and explanation of an item are searched; the options are not (drug lists recur).
    """
    # Only n-grams of the evaluated questions are kept in memory; training texts may be of any size.
    owners: dict[str, set[str]] = {}
    for item in items:
        for part in (item.question, item.context, item.explanation):
            for gram in ngrams(part, size):
                owners.setdefault(gram, set()).add(item.id)
    lengths = sorted({gram.count(" ") + 1 for gram in owners})
    texts = 0
    found: dict[str, str] = {}
    for text in training:
        texts += 1
        said = words(text)
        for length in lengths:
            for start in range(len(said) - length + 1):
                gram = " ".join(said[start : start + length])
                for name in owners.get(gram, ()):
                    found.setdefault(name, gram)
    return {
        "ngram": size,
        "training_texts": texts,
        "questions": len(items),
        "contaminated": len(found),
        "examples": dict(sorted(found.items())[:_EXAMPLES]),
        "ids": sorted(found),
    }


def texts_of(path: Path) -> Iterable[str]:
    """Every text in a JSONL file, whatever its columns: one string a line."""
    for _, row in json_lines(path):
        yield " ".join(_strings(row))


def texts_of_items(items: Iterable[Item]) -> Iterable[str]:
    """The texts of questions that were trained on."""
    for item in items:
        yield f"{item.question}\n{item.context}\n{item.explanation}"


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
