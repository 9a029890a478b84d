"""The leaderboard's format: gold answers are right, every planted error is wrong, numbers in strings are numbers."""

import json
import os
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.settings import load_settings
from consilium.finetune.evaluate import bfcl_play
from consilium.finetune.evaluate.bfcl import Entry, read_entries
from consilium.finetune.evaluate.bfcl_grade import fault, numbers_in
from consilium.finetune.evaluate.bfcl_run import bfcl_report, evaluate_bfcl
from consilium.finetune.evaluate.cases import PredictedCall, PredictedTurn, Prediction

SHARED = Path(os.environ.get("CONSILIUM_SHARED", Path(__file__).parents[2].parent / "shared"))
BFCL = SHARED / "data" / "bfcl"

ENTRY = {
    "id": "simple_python_7",
    "question": [[{"role": "user", "content": "Give 1.5 mg of the drug every 8 hours."}]],
    "function": [
        {
            "name": "ward.give",
            "description": "Gives a drug.",
            "parameters": {
                "type": "dict",
                "properties": {
                    "dose": {"type": "string"},
                    "hours": {"type": "integer"},
                    "rate": {"type": "float"},
                    "rooms": {"type": "array", "items": {"type": "string"}},
                    "who": {"type": "dict", "properties": {"name": {"type": "string"}}},
                    "beds": {"type": "array", "items": {"type": "array"}},
                    "teams": {"type": "array", "items": {"type": "dict"}},
                    "now": {"type": "boolean"},
                },
                "required": ["dose", "hours"],
            },
        }
    ],
    "ground_truth": [
        {
            "ward.give": {
                "dose": ["1.5 mg"],
                "hours": [8],
                "rate": [2.0, ""],
                "rooms": [["A-1", "B"], ""],
                "beds": [[["A-1", 2]], ""],
                "teams": ["", [{"name": ["Red"]}]],
                "who": [
                    {"name": ["Ann", "ann lee"], "ward": ["", "4"], "rooms": ["", ["A-1"]]},
                    "",
                ],
                "now": [True],
            }
        }
    ],
}
GOOD: dict[str, Any] = {"dose": "1.5 mg", "hours": 8, "now": True}


def said(arguments: dict[str, Any], name: str = "ward.give") -> str:
    return fault(Entry.model_validate(ENTRY), [PredictedCall(name=name, arguments=arguments)])


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"dose": "1.50 MG".replace("0", "")},
        {"dose": "1.5-mg"},
        {"rate": 2},
        {"rooms": ["a1", "b"]},
        {"who": {"name": "Ann Lee"}},
        {"who": {"name": "ann", "ward": "4"}},
        {"rooms": []},
        {"beds": []},
        {"beds": [["A-1", 2]]},
        {"teams": []},
    ],
)
def test_right_by_the_published_rules(more: dict[str, Any]) -> None:
    assert said({**GOOD, **more}) == ""


@pytest.mark.parametrize(
    "more",
    [
        {"dose": "15 mg"},  # the published string rule lets this pass
        {"dose": "2 mg"},
        {"dose": 1.5},
        {"hours": 8.0},
        {"hours": True},
        {"hours": "8"},
        {"rate": 20},
        {"rate": "2.0"},
        {"rooms": ["B", "A-1"]},
        {"rooms": ["A-1"]},
        {"rooms": "A-1, B"},
        {"who": {"name": "Bob"}},
        {"beds": [["a1", 2]]},  # the published rule leaves nested strings as they are
        {"beds": [[]]},
        {"teams": [{}]},
        {"who": {"name": "Ann", "rooms": ["A1"]}},
        {"who": {}},
        {"who": {"name": "Ann", "age": 3}},
        {"now": False},
        {"now": 1},
        {"reason": "pain"},
    ],
)
def test_planted_errors(more: dict[str, Any]) -> None:
    assert said({**GOOD, **more})


def test_missing_arguments_and_wrong_counts() -> None:
    entry = Entry.model_validate(ENTRY)
    for name in GOOD:
        assert said({key: value for key, value in GOOD.items() if key != name})
    assert said(GOOD, "give")
    assert not said(GOOD, "ward_give")  # servers take no dots
    call = PredictedCall(name="ward.give", arguments=GOOD)
    assert fault(entry, []) == "0 calls instead of 1"
    assert fault(entry, [call, call]) == "2 calls instead of 1"
    other = entry.model_copy(update={"ground_truth": []})
    assert fault(other, []) == ""
    assert fault(other, [call])


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("15 mg", ["15"]),
        ("1.5 mg", ["1.5"]),
        ("1,500", ["1500"]),
        ("April 1,2024", ["1", "2024"]),
        ("2024.01.02", ["2024", "1", "2"]),
        ("2024-01-02", ["2024", "1", "2"]),
        ("-5 C", ["-5"]),
        (".5", ["0.5"]),
    ],
)
def test_numbers_in_strings(text: str, holds: list[str]) -> None:
    assert numbers_in(text) == [Decimal(number) for number in holds]


def _first(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _first(next(option for option in options if option != ""))
            for key, options in value.items()
            if "" not in options
        }
    return [_first(item) for item in value] if isinstance(value, list) else value


def _gold(entry: Entry) -> Prediction:
    calls = [
        PredictedCall(
            name=name,
            arguments={
                key: _first(next(option for option in options if option != ""))
                for key, options in acceptable.items()
                if options != [""]
            },
        )
        for truth in entry.ground_truth
        for name, acceptable in truth.items()
    ]
    return Prediction(id=entry.id, turns=[PredictedTurn(calls=calls)])


_MISTAKES: dict[str, Callable[[PredictedCall], PredictedCall | None]] = {
    "no call": lambda call: None,
    "another name": lambda call: call.model_copy(update={"name": call.name + "x"}),
    "nothing given": lambda call: call.model_copy(update={"arguments": {}}),
    "too much": lambda call: call.model_copy(update={"arguments": {**call.arguments, "zz": 1}}),
    "null": lambda call: call.model_copy(update={"arguments": dict.fromkeys(call.arguments)}),
}


@pytest.mark.parametrize("file", ["simple_python", "irrelevance"])
def test_gold_scores_100_and_mistakes_score_0(file: str) -> None:
    path = BFCL / f"BFCL_v4_{file}.json"
    if not path.exists():
        pytest.skip(f"{path} is not here (set CONSILIUM_SHARED)")
    entries = read_entries(path)
    gold = [_gold(entry) for entry in entries]
    assert bfcl_report(entries, gold, {})["accuracy"]["percent"] == 100
    for mistake in _MISTAKES.values():
        wrong = []
        for entry, right in zip(entries, gold, strict=True):
            calls = [mistake(call) for call in right.turns[0].calls]
            if file == "irrelevance":
                calls = [PredictedCall(name=entry.function[0].name, arguments={})]
            wrong.append(
                Prediction(id=entry.id, turns=[PredictedTurn(calls=[c for c in calls if c])])
            )
        report = bfcl_report(entries, wrong, {})
        empty = {
            e.id
            for e, p in zip(entries, gold, strict=True)
            if not any(c.arguments for c in p.turns[0].calls)
        }
        assert report["accuracy"]["right"] <= len(empty if file == "simple_python" else ())
    unplayed = [Prediction(id=entry.id, turns=[]) for entry in entries]
    assert bfcl_report(entries, unplayed, {})["accuracy"]["percent"] == 0


def _write(folder: Path, rows: list[str], answers: list[str] | None = None) -> Path:
    file = folder / "BFCL_v4_simple_python.json"
    file.write_text("\n".join(rows))
    if answers is not None:
        (folder / "possible_answer").mkdir()
        (folder / "possible_answer" / file.name).write_text("\n".join(answers))
    return file


_ROW = json.dumps({key: ENTRY[key] for key in ("id", "question", "function")})
_ANSWER = json.dumps({key: ENTRY[key] for key in ("id", "ground_truth")})


@pytest.mark.parametrize(
    ("rows", "answers", "says"),
    [
        ([], [], "holds no entry"),
        ([_ROW, "{"], [_ANSWER], "BFCL_v4_simple_python.json, line 2: this is not JSON"),
        ([_ROW, '{"id": "x"}'], [_ANSWER], "line 2: question"),
        ([_ROW.replace('"integer"', '"whole"')], [_ANSWER], "line 1: ward.give.hours has no type"),
        ([_ROW], None, "has no answer"),
        ([_ROW], [], "has no answer for simple_python_7"),
        ([_ROW], ["[]"], "possible_answer.*line 1"),
        ([_ROW], [_ANSWER.replace("ward.give", "give")], "calls give, which it does not offer"),
    ],
)
def test_broken_files(
    tmp_path: Path, rows: list[str], answers: list[str] | None, says: str
) -> None:
    with pytest.raises(ConsiliumError, match=says):
        read_entries(_write(tmp_path, rows, answers))


def test_predictions_from_elsewhere_are_graded(tmp_path: Path) -> None:
    file = _write(tmp_path, [_ROW], [_ANSWER])
    predictions = tmp_path / "p.jsonl"
    predictions.write_text(_gold(Entry.model_validate(ENTRY)).model_dump_json() + "\n")

    def no_model() -> Any:
        raise AssertionError("no model is needed")

    report, text = evaluate_bfcl(file, predictions, no_model)
    assert report["accuracy"]["right"] == 1
    assert "simple_python" in text


@pytest.mark.parametrize("function", [ENTRY["function"][0]])  # type: ignore[index]
def test_a_signature_and_a_schema_of_any_function(function: dict[str, Any]) -> None:
    made = Entry.model_validate(ENTRY).function[0]
    assert made.signature().startswith(
        "ward.give(dose: text, hours: int, rate?: number, rooms?: [text]"
    )
    schema = made.schema_of_arguments()
    assert schema["properties"]["who"]["type"] == "object"
    assert schema["required"] == ["dose", "hours"]


@pytest.mark.parametrize(("cached", "loads"), [(True, [True, False]), (False, [True])])
def test_the_base_model_reads_the_prefix_where_the_adapter_was_trained_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cached: bool, loads: list[bool]
) -> None:
    (tmp_path / "adapter_model.safetensors").write_bytes(b"weights")
    card = {
        "what": "",
        "base": "b",
        "prompt_sha256": "",
        "weights_sha256": sha256(b"weights").hexdigest(),
        "date": "",
        "cached_prefix": cached,
    }
    (tmp_path / "card.json").write_text(json.dumps(card))
    loaded: list[bool] = []

    def load(*_: Any, adapter: Path | None, **__: Any) -> Any:
        loaded.append(adapter is not None)
        model = SimpleNamespace(device="cpu", dtype="torch.float32")
        return SimpleNamespace(name="b", adapter="a", adapter_sha256="", model=model)

    monkeypatch.setattr(bfcl_play.LocalModel, "load", load)
    bfcl_play.open_caller(load_settings(model="b", adapter=str(tmp_path)))
    assert loaded == loads


def test_a_call_said_twice_is_one_too_many() -> None:
    call = json.dumps({"name": "ward.give", "arguments": GOOD})
    made = bfcl_play._said(f"[{call},{call}]")
    assert made == [("ward.give", GOOD)] * 2
    predicted = bfcl_play._predicted(Entry.model_validate(ENTRY), made)
    assert fault(Entry.model_validate(ENTRY), predicted.turns[0].calls) == "2 calls instead of 1"
    assert bfcl_play._said(f"[{call}") == []


def test_the_model_decides_between_a_call_and_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    offered: list[str] = []

    def decide(_: Any, options: list[str], __: Any) -> dict[str, float]:
        offered.extend(options)
        return dict.fromkeys(options, 0.0) | {"answer": 1.0}

    local: Any = SimpleNamespace(tokens=list, tokenizer=None, decide=decide)
    monkeypatch.setattr(bfcl_play.template, "render", lambda *_, **__: "")
    assert bfcl_play._decode(local, Entry.model_validate(ENTRY), unconstrained=False) == []
    assert offered == ["call", "answer"]
