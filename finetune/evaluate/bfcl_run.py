"""`consilium eval tools --format bfcl`: plays the entries, grades, and makes the report."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from consilium.finetune.evaluate.bfcl import Entry, read_entries
from consilium.finetune.evaluate.bfcl_grade import fault
from consilium.finetune.evaluate.bfcl_play import Caller
from consilium.finetune.evaluate.cases import PredictedTurn, Prediction, given, predict
from consilium.finetune.evaluate.report import file_sha256, row_text, share

_SHOWN = 10


def evaluate_bfcl(
    file: Path, predictions: Path | None, open_model: Callable[[], Caller]
) -> tuple[dict[str, Any], str]:
    """Report of one file of the leaderboard and its text.

    Raises
    ------
    ConsiliumError
        If a file is malformed (named with its line), or the model cannot be loaded or reached.
    """
    entries = read_entries(file)
    model: dict[str, Any]
    predicted = given(predictions, {entry.id: 1 for entry in entries})
    if predicted is not None and predictions:
        model = {"name": predictions.name, "sha256": file_sha256(predictions)}
    else:
        caller = open_model()
        model = caller.info
        predicted = predict(entries, caller.play, predictions, made_by=model)
    report = bfcl_report(entries, predicted, model)
    report["cases_sha256"] = file_sha256(file)
    return report, bfcl_text(report)


def bfcl_report(
    entries: Sequence[Entry], predictions: Sequence[Prediction], model: dict[str, Any]
) -> dict[str, Any]:
    """Accuracy per category; what is wrong, counted by kind and listed."""
    played = [p.turns[0] if p.turns else None for p in predictions]
    said = [
        "was not played" if turn is None else fault(entry, turn.calls)
        for entry, turn in zip(entries, played, strict=True)
    ]
    categories = sorted({entry.category for entry in entries})
    return {
        "model": model,
        "accuracy": share(said.count(""), len(said)),
        "by_category": {
            category: share(
                sum(not s for s, e in zip(said, entries, strict=True) if e.category == category),
                sum(e.category == category for e in entries),
            )
            for category in categories
        },
        "made_a_call": share(sum(bool(turn and turn.calls) for turn in played), len(played)),
        "faults": dict(Counter(_kind(s) for s in said if s).most_common()),
        "wrong": [
            _wrong(entry, turn or PredictedTurn(), why)
            for entry, turn, why in zip(entries, played, said, strict=True)
            if why
        ],
    }


def _kind(why: str) -> str:
    if "calls instead of" in why:
        return "number of calls"
    if why.endswith(("is missing", "is too much")):
        return why.split(" ", 1)[1]
    return "value or type" if ": " in why else "name" if " instead of " in why else why


def _wrong(entry: Entry, turn: PredictedTurn, why: str) -> dict[str, Any]:
    return {
        "id": entry.id,
        "user": "\n".join(entry.turns),
        "calls": [call.model_dump() for call in turn.calls],
        "fault": why,
    }


def bfcl_text(report: dict[str, Any]) -> str:
    """The report as a table for a terminal."""
    lines = [row_text("accuracy", report["accuracy"])]
    lines += [row_text(f"  {name}", row) for name, row in report["by_category"].items()]
    lines.append(row_text("made a call", report["made_a_call"]))
    lines += [f"  {n} x {kind}" for kind, n in report["faults"].items()]
    lines += [f"  {wrong['id']}: {wrong['fault']}" for wrong in report["wrong"][:_SHOWN]]
    return "\n".join(lines)
