"""The grader: gold scores 100, every kind of planted error scores 0, the same input gives the same report."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.llm.asking import question
from consilium.finetune.evaluate.cases import (
    Case,
    PredictedCall,
    PredictedTurn,
    Prediction,
    given,
    predict,
    read_cases,
)
from consilium.finetune.evaluate.faults import faults
from consilium.finetune.evaluate.grade import grade_case, names
from consilium.finetune.evaluate.report import make_report
from consilium.finetune.synthesis.replies import _WORDS
from consilium.tools.contract import ToolSpec
from consilium.tools.registry import TOOLS

_RISK = {
    "name": "predict_risk",
    "arguments": {
        "age": [54],
        "sex": ["male"],
        "total_cholesterol": [6.1],
        "hdl_cholesterol": [1.05],
        "systolic_bp": [136],
        "cholesterol_unit": ["mmol/L"],
        "smoker": [True],
        "diabetes": [False, ""],
    },
}
_GOOD = {
    "age": 54,
    "sex": "male",
    "total_cholesterol": 6.1,
    "hdl_cholesterol": 1.05,
    "systolic_bp": 136.0,
    "cholesterol_unit": "mmol/L",
    "smoker": True,
}


def case(*calls: dict[str, Any], asks: tuple[str, ...] = (), category: str = "single") -> Case:
    expect = {"calls": list(calls), "asks": list(asks)}
    return Case.model_validate(
        {"id": "x", "category": category, "turns": [{"user": "u", "expect": expect}]}
    )


def exact(of: Case, *calls: tuple[str, dict[str, Any]], reply: str = "") -> bool:
    made = [PredictedCall(name=name, arguments=arguments) for name, arguments in calls]
    turn = PredictedTurn(calls=made, reply=reply)
    return grade_case(of, Prediction(id="x", turns=[turn]))[0].exact


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in _GOOD.items() if key != name}


@pytest.mark.parametrize(
    "arguments",
    [_GOOD, {**_GOOD, "diabetes": False}, {**_GOOD, "statin": False}, {**_GOOD, "sex": "Male"}],
)
def test_right_calls(arguments: dict[str, Any]) -> None:
    assert exact(case(_RISK), ("predict_risk", arguments))


@pytest.mark.parametrize(
    "arguments",
    [
        {**_GOOD, "total_cholesterol": 61},
        {**_GOOD, "age": "54"},
        {**_GOOD, "smoker": 1},
        {**_GOOD, "age": True},
        {**_GOOD, "statin": True},
        {**_GOOD, "egfr": 60},
        {**_GOOD, "diabetes": True},
        without("cholesterol_unit"),
        without("smoker"),
        without("age"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any]) -> None:
    assert not exact(case(_RISK), ("predict_risk", arguments))


def test_calls_match_in_any_order_one_to_one() -> None:
    film = {"name": "analyze_scan", "arguments": {"image": ["scan-1"]}}
    both = case(_RISK, film, category="parallel")
    first, second = ("analyze_scan", {"image": "scan-1"}), ("predict_risk", _GOOD)
    assert exact(both, first, second)
    assert exact(both, second, first)
    assert not exact(both, first)
    assert not exact(both, first, second, first)
    assert not exact(both, first, first)
    assert not exact(case(film), ("profile_molecule", {"image": "scan-1"}))


def test_lists_smiles_defaults_and_contained_words() -> None:
    plans = {
        "name": "simulate_treatment",
        "arguments": {"volumes_cm3": [[1.5, 2]], "plans": [["none", "chemotherapy"]]},
    }
    assert exact(
        case(plans),
        ("simulate_treatment", {"volumes_cm3": [1.5, 2.0], "plans": ["chemotherapy", "none"]}),
    )
    assert not exact(
        case(plans),
        ("simulate_treatment", {"volumes_cm3": [2, 1.5], "plans": ["none", "chemotherapy"]}),
    )
    smiles = {"name": "profile_molecule", "arguments": {"molecule": ["CCO"]}}
    aromatic = {"name": "profile_molecule", "arguments": {"molecule": ["c1ccccc1"]}}
    drug = {"name": "profile_molecule", "arguments": {"molecule": ["Apixaban"]}}
    assert exact(case(smiles), ("profile_molecule", {"molecule": "CCO"}))
    assert not exact(case(aromatic), ("profile_molecule", {"molecule": "C1CCCCC1"}))
    assert exact(case(drug), ("profile_molecule", {"molecule": "apixaban"}))
    query = {
        "name": "find_similar_cases",
        "arguments": {"query": [{"contains": ["ebv", "nodules"]}], "k": [5, ""]},
    }
    assert exact(case(query), ("find_similar_cases", {"query": "EBV with lung nodules"}))
    assert not exact(case(query), ("find_similar_cases", {"query": "EBV"}))
    assert not exact(case(query), ("find_similar_cases", {"query": "EBV nodules", "k": 6}))


@pytest.mark.parametrize(
    "smiles",
    [
        *("C[Si](C)(C)C", "[Na+].[Cl-]", "CC(=O)[O-].[K+]", "C[Te]C", "[Ga+3]"),
        *("*CC", "C:C1", "Clc1ccccc1", "CN", "C/C=C\\C"),
    ],
)
def test_a_smiles_is_compared_with_case(smiles: str) -> None:
    wanted = {"name": "profile_molecule", "arguments": {"molecule": [smiles]}}
    assert exact(case(wanted), ("profile_molecule", {"molecule": smiles}))
    assert not exact(case(wanted), ("profile_molecule", {"molecule": smiles.lower()}))


@pytest.mark.parametrize("tool", [spec for spec in TOOLS.values() if spec.lacking({})])
def test_the_questions_of_the_house_ask_by_name(tool: ToolSpec) -> None:
    for name in tool.lacking({}):
        others = dict.fromkeys(tool.lacking({}), 1)
        assert names(name, question([(tool, {**others, name: None})]))
        assert names(name, question([(tool, {})]))


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        ("total_cholesterol", "I need total and HDL cholesterol."),
        ("hdl_cholesterol", "I need total and HDL cholesterol."),
        ("systolic_bp", "I need the BP."),
        ("systolic_bp", "What is the blood pressure?"),
        ("age", "I still need: 1. Age 2. Sex"),
        ("sex", "I still need:\n- age\n- sex"),
        ("molecule", "Which drug do you mean?"),
        ("age", "You did not give the age."),
        ("volumes_cm3", "I cannot simulate without the volumes."),
        ("similar_to", "Could you tell me the SMILES of the reference molecule?"),
    ],
)
def test_a_value_is_asked_for_by_name(argument: str, reply: str) -> None:
    assert names(argument, reply)


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        *((name, text) for name in ("image", "molecule", "query") for text in _WORDS["abilities"]),
        ("molecule", "I do not recommend drugs or doses. Please follow your local guideline."),
        ("age", "Please name the agent."),
        ("sex", "I need the sextant."),
        ("total_cholesterol", "I need the HDL cholesterol."),
        ("age", "I do not know the age."),
        ("age", "I don't need the age."),
        ("molecule", "I cannot give advice on drugs."),
    ],
)
def test_to_speak_of_a_value_is_not_to_ask_for_it(argument: str, reply: str) -> None:
    assert not names(argument, reply)


def test_asking_needs_no_call_and_every_name() -> None:
    missing = case(asks=("hdl_cholesterol", "systolic_bp"), category="missing")
    assert exact(missing, reply="I need the HDL cholesterol and the systolic blood pressure.")
    assert not exact(missing, reply="I need the HDL cholesterol.")
    assert not exact(case(asks=("age",)), reply="Please attach the image.")
    assert not exact(missing, ("predict_risk", _GOOD), reply="HDL, systolic?")


def test_no_call_is_right_for_a_greeting() -> None:
    assert exact(case(category="none"), reply="Hello.")
    assert not exact(case(category="none"), ("analyze_scan", {"image": "scan-1"}))


def test_a_turn_that_was_not_played_is_wrong() -> None:
    assert not grade_case(case(_RISK), Prediction(id="x", turns=[]))[0].exact
    greeting = case(category="none")
    assert not grade_case(greeting, Prediction(id="x", turns=[]))[0].exact
    report = make_report([greeting], [Prediction(id="x", turns=[])], {})
    assert report["no_call_recall"]["right"] == 0


def _gold(cases: list[Case]) -> list[Prediction]:
    def words(value: Any) -> Any:
        return " ".join(value["contains"]) if isinstance(value, dict) else value

    return [
        Prediction(
            id=c.id,
            turns=[
                PredictedTurn(
                    calls=[
                        PredictedCall(
                            name=call.name,
                            arguments={
                                k: words(v[0]) for k, v in call.arguments.items() if "" not in v
                            },
                        )
                        for call in turn.expect.calls
                    ],
                    reply="I need "
                    + " ".join(turn.expect.asks).replace("_", " ").replace("query", "case"),
                )
                for turn in c.turns
            ],
        )
        for c in cases
    ]


def test_gold_answers_of_the_dev_cases_score_100() -> None:
    shared = Path(os.environ.get("CONSILIUM_SHARED", "../shared"))
    file = shared / "toolcalls" / "dev.jsonl"
    if not file.exists():
        pytest.skip(f"{file} is not here (set CONSILIUM_SHARED)")
    cases = read_cases(file)
    report = make_report(cases, _gold(cases), {"name": "gold"})
    assert report["wrong_cases"] == []
    assert report["exact"]["percent"] == 100
    assert report["argument_f1"]["percent"] == 100
    assert report["numbers_and_units"]["percent"] == 100
    assert json.dumps(report) == json.dumps(make_report(cases, _gold(cases), {"name": "gold"}))


def test_the_numbers_of_one_case_are_not_independent() -> None:
    cases = [case(_RISK).model_copy(update={"id": str(number)}) for number in range(10)]
    right = PredictedTurn(calls=[PredictedCall(name="predict_risk", arguments=_GOOD)])
    played = [
        Prediction(id=c.id, turns=[right if number < 5 else PredictedTurn()])
        for number, c in enumerate(cases)
    ]
    numbers = make_report(cases, played, {})["numbers_and_units"]
    assert (numbers["right"], numbers["n"], numbers["percent"]) == (25, 50, 50.0)
    low, high = numbers["interval"]
    assert low <= 20 and high >= 80  # of 10 cases; 50 numbers by themselves would give 37 to 63


def test_predictions_resume(tmp_path: Path) -> None:
    cases = [case(_RISK).model_copy(update={"id": name}) for name in "ab"]
    played: list[str] = []

    def play(c: Case) -> Prediction:
        played.append(c.id)
        if len(played) == 2:
            raise KeyboardInterrupt
        return Prediction(id=c.id, turns=[PredictedTurn()])

    file = tmp_path / "out.jsonl"
    model = {"name": "m"}
    with pytest.raises(KeyboardInterrupt):
        predict(cases, play, file, model)
    assert len(predict(cases, play, file, model)) == 2
    assert played == ["a", "b", "b"]
    with pytest.raises(ConsiliumError, match="another model"):
        predict(cases, play, file, {"name": "other"})


_TURN = '{"user": "hello", "expect": {}}'
_HELLO = f'{{"id": "a", "category": "none", "turns": [{_TURN}]}}\n'


def _expecting(name: str, arguments: dict[str, list[Any]]) -> str:
    call = {"name": name, "arguments": arguments}
    return _HELLO.replace('"expect": {}', f'"expect": {json.dumps({"calls": [call]})}')


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no case"),
        ('{"id": "a"}', "line 1: category"),
        (_HELLO + "{", "line 2"),
        (_HELLO * 2, "line 2: the id a occurs twice"),
        (_HELLO + _HELLO.replace(_TURN, ""), "line 2: turns: List should have at least 1 item"),
        (_HELLO.replace('"user"', '"asks": [], "user"'), "line 1: turns.0.asks: Extra inputs"),
        (_expecting("cure", {}), "line 1: turns.0.expect.calls.0: .*there is no tool cure"),
        (
            _expecting("predict_risk", {"weight": [1]}),
            "line 1: .*predict_risk has no argument weight",
        ),
        (
            _expecting("predict_risk", {"age": []}),
            "line 1: .*arguments.age: List should have at least 1",
        ),
    ],
)
def test_broken_case_files(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(text)
    with pytest.raises(ConsiliumError, match=says):
        read_cases(file)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "p.jsonl, line 1"),
        ('{"id": "x", "turns": [{"answer": "Hello."}]}', "line 1: turns.0.answer: Extra inputs"),
        ('{"id": "x", "turns": []}\n\n{"id": "y", "turns": []}', "line 3: there is no case y"),
        ('{"id": "x", "turns": []}\n{"id": "x", "turns": []}', "line 2: .* predicted before"),
        ('{"id": "x", "turns": [{}, {}]}', "line 1: the case x has 1 turns, not 2"),
        ('{"id": "x", "turns": [{"calls": [{"name": "a"}]}]}', "line 1: turns.0.calls.0.arguments"),
        ("", "lacks 1 of 1 cases, the first of them x"),
    ],
)
def test_broken_prediction_files(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "p.jsonl"
    file.write_text(text)
    with pytest.raises(ConsiliumError, match=says):
        given(file, {"x": 1})


def test_text_that_is_not_utf8_is_named_by_line(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_bytes(_HELLO.encode() + b"\xff\n")
    with pytest.raises(ConsiliumError, match="line 2: this is not UTF-8"):
        read_cases(file)


def test_predictions_from_elsewhere_are_taken_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    assert given(file, {"x": 1}) is None
    file.write_text('{"id": "x", "turns": []}')
    assert given(file, {"x": 1}) == [Prediction(id="x", turns=[])]


def test_a_line_that_a_killed_run_left_half_is_played_again(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    cases = [case(_RISK)]
    played = [Prediction(id="x", turns=[PredictedTurn(reply="first")])]
    predict(cases, lambda _: played[0], file, {})
    file.write_text(file.read_text()[:20])
    again = Prediction(id="x", turns=[PredictedTurn(reply="second")])
    assert predict(cases, lambda _: again, file, {}) == [again]
    assert len(file.read_text().splitlines()) == 1


def test_faults_are_said_in_words() -> None:
    wrong = PredictedTurn(
        calls=[
            PredictedCall(name="predict_risk", arguments={**without("smoker"), "age": 45}),
            PredictedCall(name="analyze_scan", arguments={}),
        ]
    )
    assert faults(case(_RISK).turns[0].expect, wrong) == [
        "predict_risk.age: 45 instead of 54",
        "predict_risk.smoker: nothing instead of true",
        "analyze_scan was called too much",
    ]
    asked = case(asks=("age", "sex")).turns[0].expect
    assert faults(asked, PredictedTurn(reply="How old?")) == ["did not ask for sex"]
