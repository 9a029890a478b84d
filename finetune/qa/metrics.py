"""Accuracy, macro-F1 and their intervals, next to what needs no model at all."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from consilium.finetune.evaluate.report import share
from consilium.finetune.qa.items import Item

_RESAMPLES = 1000


def macro_f1(truth: Sequence[str], choice: Sequence[str | None], labels: Sequence[str]) -> float:
    """Mean over the labels of F1 in percent; a label that is neither there nor chosen counts 0, as PubMedQA's does."""
    scores = []
    for label in labels:
        right = sum(t == c == label for t, c in zip(truth, choice, strict=True))
        both = sum(t == label for t in truth) + sum(c == label for c in choice)
        scores.append(200 * right / both if both else 0.0)
    return sum(scores) / len(scores)


def measure(items: Sequence[Item], choices: Sequence[int | None]) -> dict[str, Any]:
    """The figures of a run: accuracy (Wilson), macro-F1 (seeded bootstrap), confusion, and the baselines."""
    truth = [item.labels[item.answer] for item in items]
    made = [None if c is None else item.labels[c] for item, c in zip(items, choices, strict=True)]
    labels = list(dict.fromkeys(label for item in items for label in item.labels))
    right = sum(t == c for t, c in zip(truth, made, strict=True))
    counts = Counter(truth)
    common, most = counts.most_common(1)[0]
    chance = sum(1 / len(item.labels) for item in items)
    return {
        "accuracy": share(right, len(items)),
        "macro_f1": _with_interval(truth, made, labels),
        "unanswered": made.count(None),
        "majority": {"label": common, **share(most, len(items))},
        "random": {"percent": round(100 * chance / len(items), 1)},
        "confusion": {
            label: dict(
                Counter(
                    str(c) for t, c in zip(truth, made, strict=True) if t == label
                ).most_common()
            )
            for label in labels
        },
    }


def _with_interval(
    truth: Sequence[str], made: Sequence[str | None], labels: Sequence[str]
) -> dict[str, Any]:
    draw = random.Random(0)
    rows = range(len(truth))
    scores = []
    for _ in range(_RESAMPLES):
        chosen = draw.choices(rows, k=len(truth))
        scores.append(macro_f1([truth[i] for i in chosen], [made[i] for i in chosen], labels))
    scores.sort()
    tail = _RESAMPLES // 40
    return {
        "n": len(truth),
        "percent": round(macro_f1(truth, made, labels), 1),
        "interval": [round(scores[tail], 1), round(scores[-tail - 1], 1)],
    }
