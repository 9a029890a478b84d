"""One report from graded cases: shares with Wilson intervals, those of arguments with a seeded bootstrap over cases."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from consilium.finetune.evaluate.cases import Case, Prediction
from consilium.finetune.evaluate.faults import wrong_turns
from consilium.finetune.evaluate.grade import TurnGrade, grade_case
from consilium.tools.interval import wilson

_RESAMPLES = 1000
_SHOWN = 10  # of the worst turns, in a terminal; the report has all


def file_sha256(path: Path) -> str:
    """Hash of a file's bytes."""
    return sha256(path.read_bytes()).hexdigest()


def make_report(
    cases: Sequence[Case], predictions: Sequence[Prediction], model: dict[str, Any]
) -> dict[str, Any]:
    """Grade the predictions; `model` (names, hashes of adapter and prompt) is kept beside the figures."""
    grades = [grade_case(c, p) for c, p in zip(cases, predictions, strict=True)]
    exact = [all(turn.exact for turn in turns) for turns in grades]
    categories = sorted({case.category for case in cases})
    no_call = [
        index < len(prediction.turns) and not prediction.turns[index].calls
        for case, prediction in zip(cases, predictions, strict=True)
        for index, turn in enumerate(case.turns)
        if not turn.expect.calls
    ]
    graded = [
        (wanted.expect, turn)
        for case, turns in zip(cases, grades, strict=True)
        for wanted, turn in zip(case.turns, turns, strict=True)
    ]
    calling = [turn for expect, turn in graded if expect.calls]
    asking = [turn for expect, turn in graded if expect.asks]
    flat = [turn for turns in grades for turn in turns]
    right, numbers = _numbers(flat)
    return {
        "model": model,
        "exact": share(sum(exact), len(exact)),
        "exact_by_category": {
            category: share(
                sum(e for e, case in zip(exact, cases, strict=True) if case.category == category),
                sum(case.category == category for case in cases),
            )
            for category in categories
        },
        "tool_names": share(sum(turn.names_right for turn in calling), len(calling)),
        "exact_calls": share(sum(turn.exact for turn in calling), len(calling)),
        "argument_f1": _of_arguments(grades, _f1, sum(turn.expected for turn in flat)),
        "no_call_recall": share(sum(no_call), len(no_call)),
        "asked_by_name": share(sum(turn.exact for turn in asking), len(asking)),
        "numbers_and_units": {"right": right} | _of_arguments(grades, _numbers, numbers),
        "confusion": _confusion(cases, predictions),
        "wrong_cases": [case.id for case, right in zip(cases, exact, strict=True) if not right],
        "worst": sorted(
            (
                turn
                for case, prediction in zip(cases, predictions, strict=True)
                for turn in wrong_turns(case, prediction)
            ),
            key=lambda turn: (-len(turn["faults"]), turn["id"], turn["turn"]),
        ),
    }


def share(right: int, n: int) -> dict[str, Any]:
    """A share in percent with its Wilson interval."""
    low, high = wilson(right, n)
    return {
        "right": right,
        "n": n,
        "percent": round(100 * right / n, 1) if n else None,
        "interval": [round(100 * low, 1), round(100 * high, 1)],
    }


def _f1(turns: Sequence[TurnGrade]) -> tuple[int, int]:
    """Right and all, of which the quotient is F1."""
    return 2 * sum(turn.right for turn in turns), sum(turn.expected + turn.given for turn in turns)


def _numbers(turns: Sequence[TurnGrade]) -> tuple[int, int]:
    """Numbers and units that are right, and all."""
    return sum(turn.numbers_right for turn in turns), sum(turn.numbers for turn in turns)


def _of_arguments(
    grades: Sequence[Sequence[TurnGrade]],
    count: Callable[[Sequence[TurnGrade]], tuple[int, int]],
    n: int,
) -> dict[str, Any]:
    """A share of arguments; its interval resamples cases, for the arguments of one call are right or wrong together."""

    def percent(cases: Sequence[Sequence[TurnGrade]]) -> float:
        right, both = count([turn for turns in cases for turn in turns])
        return 100 * right / both if both else 0.0

    draw = random.Random(0)
    resampled = sorted(percent(draw.choices(grades, k=len(grades))) for _ in range(_RESAMPLES))
    tail = _RESAMPLES // 40
    return {
        "n": n,
        "percent": round(percent(grades), 1) if n else None,
        "interval": [round(resampled[tail], 1), round(resampled[-tail - 1], 1)],
    }


def _confusion(cases: Sequence[Case], predictions: Sequence[Prediction]) -> dict[str, int]:
    """How often "wanted -> made" (names of a turn's calls, or "no call") differed."""
    seen: Counter[str] = Counter()
    for case, prediction in zip(cases, predictions, strict=True):
        for turn, predicted in zip(case.turns, prediction.turns, strict=False):
            wanted = "+".join(sorted(call.name for call in turn.expect.calls)) or "no call"
            made = "+".join(sorted(call.name for call in predicted.calls)) or "no call"
            if wanted != made:
                seen[f"{wanted} -> {made}"] += 1
    return dict(sorted(seen.items(), key=lambda item: (-item[1], item[0])))


def as_text(report: dict[str, Any]) -> str:
    """The report as a table for a terminal."""
    rows = [("exact cases", report["exact"])]
    rows += [(f"  {name}", row) for name, row in report["exact_by_category"].items()]
    rows += [
        ("tool names", report["tool_names"]),
        ("exact calls", report["exact_calls"]),
        ("argument F1", report["argument_f1"]),
        ("no-call recall", report["no_call_recall"]),
        ("asked by name", report["asked_by_name"]),
        ("numbers and units", report["numbers_and_units"]),
    ]
    lines = [row_text(name, row) for name, row in rows]
    if report["confusion"]:
        lines += ["confused:", *(f"  {n} x {pair}" for pair, n in report["confusion"].items())]
    if report["wrong_cases"]:
        lines.append("wrong cases: " + " ".join(report["wrong_cases"]))
        lines.append("worst:")
        for turn in report["worst"][:_SHOWN]:
            lines.append(f"  {turn['id']}, turn {turn['turn']}: " + "; ".join(turn["faults"]))
    return "\n".join(lines)


def row_text(name: str, row: dict[str, Any]) -> str:
    """One line of a table: name, percent, interval, n."""
    low, high = row["interval"]
    return f"{name:<20}{_percent(row):>7}  ({low:.1f} to {high:.1f}), n={row['n']}"


def _percent(row: dict[str, Any]) -> str:
    return "-" if row["percent"] is None else f"{row['percent']:.1f} %"
