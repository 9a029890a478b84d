"""The same cases under changes that alter no right answer: tools in another order, one tool more, typing errors.

A case passes at k where it is right in all k runs (pass^k, Yao 2024, arXiv 2406.12045).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from consilium.assistant.llm.stated import numbers
from consilium.finetune.evaluate.cases import Case, Prediction
from consilium.finetune.evaluate.grade import grade_case
from consilium.finetune.evaluate.report import row_text, share
from consilium.finetune.synthesis.chemistry import DRUGS, NAMES
from consilium.finetune.synthesis.risk_words import BP_DRUGS, STATINS
from consilium.tools.contract import ToolArgs, ToolSpec

_WORD = re.compile(r"(?<![\w.\-=#@/\\()\[\]])[a-z]{5,}(?![\w\-=#@/\\()\[\]])")
_DRUGS = frozenset(
    " ".join(
        (*DRUGS, *NAMES.values(), *BP_DRUGS, *STATINS, "statin statins metformin insulin")
    ).split()
)
_RATE = 0.12  # of the words that may be mistyped


class _OrderLabTest(ToolArgs):
    test: str
    urgency: Literal["routine", "urgent"] = "routine"


DISTRACTOR = ToolSpec(
    "order_lab_test", "orders a laboratory test for tomorrow's round", "order entry", _OrderLabTest
)


@dataclass(frozen=True)
class Variant:
    """One run: the tools as the model reads them, and the cases as the user types them."""

    name: str
    specs: Sequence[ToolSpec]
    cases: Sequence[Case]


def variants(cases: Sequence[Case], specs: Sequence[ToolSpec], seed: int = 0) -> list[Variant]:
    """The plain run and four changed ones: two other orders of the tools, a distractor among them, typing errors."""
    plain = list(specs)
    middle = len(plain) // 2
    return [
        Variant("plain", plain, cases),
        Variant("order-1", _shuffled(plain, Random(f"order/{seed}/1")), cases),
        Variant("order-2", _shuffled(plain, Random(f"order/{seed}/2")), cases),
        Variant("distractor", [*plain[:middle], DISTRACTOR, *plain[middle:]], cases),
        Variant("typos", plain, [mistyped(case, seed) for case in cases]),
    ]


def _shuffled(specs: Sequence[ToolSpec], draw: Random) -> list[ToolSpec]:
    """Another order than the given one."""
    order = list(specs)
    while len(order) > 1 and order == list(specs):
        draw.shuffle(order)
    return order


def mistyped(case: Case, seed: int = 0) -> Case:
    """A case with typing errors, at least one a message where a word may have one.

    Only plain words of five letters or more are touched: no number (in digits or words), unit, known drug name,
    SMILES, attachment, and no word that a right call of any turn must hold.
    """
    draw = Random(f"typos/{seed}/{case.id}")
    expected = str([turn.expect.model_dump() for turn in case.turns]).lower()
    kept = _DRUGS | set(re.findall(r"[a-z]+", expected))
    turns = []
    for turn in case.turns:
        places = [
            match
            for match in _WORD.finditer(turn.user)
            if match.group() not in kept and not numbers(match.group())
        ]
        chosen = [match for match in places if draw.random() < _RATE]
        chosen = chosen or ([draw.choice(places)] if places else [])
        text = turn.user
        for match in reversed(chosen):
            text = text[: match.start()] + _slip(match.group(), draw) + text[match.end() :]
        turns.append(turn.model_copy(update={"user": text}))
    return case.model_copy(update={"turns": turns})


def _slip(word: str, draw: Random) -> str:
    """One slip of the finger inside a word: two letters exchanged, one left out, or one twice."""
    at = draw.randrange(1, len(word) - 1)
    match draw.randrange(3):
        case 0 if word[at] != word[at + 1]:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case 1:
            return word[:at] + word[at + 1 :]
        case _:
            return word[:at] + word[at] + word[at:]


def robustness_report(
    runs: Mapping[str, tuple[Sequence[Case], Sequence[Prediction]]], model: dict[str, Any]
) -> dict[str, Any]:
    """Exact cases of each run, and the share that is right in all of them."""
    right: dict[str, dict[str, bool]] = {
        name: {
            case.id: all(turn.exact for turn in grade_case(case, prediction))
            for case, prediction in zip(cases, predictions, strict=True)
        }
        for name, (cases, predictions) in runs.items()
    }
    ids = list(next(iter(right.values())))
    stable = [all(run[name] for run in right.values()) for name in ids]
    first = next(iter(right))
    return {
        "model": model,
        "runs": {name: share(sum(run.values()), len(run)) for name, run in right.items()},
        f"pass^{len(right)}": share(sum(stable), len(stable)),
        "lost": {
            name: [case for case in ids if right[first][case] and not run[case]]
            for name, run in right.items()
            if name != first
        },
    }


def robustness_text(report: dict[str, Any]) -> str:
    """The report as a table for a terminal."""
    at_all = next(key for key in report if key.startswith("pass^"))
    lines = [row_text(f"exact, {name}", row) for name, row in report["runs"].items()]
    lines.append(row_text(at_all, report[at_all]))
    lines += [
        f"right in the plain run, wrong with {name}: {' '.join(lost)}"
        for name, lost in report["lost"].items()
        if lost
    ]
    return "\n".join(lines)
