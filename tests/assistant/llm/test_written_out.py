"""A call as the model writes it, with every argument of the contract, and back."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from consilium.assistant.llm.chat import LocalChatModel, calls_of, parsed_calls
from consilium.assistant.llm.template import as_stated, written_out
from consilium.tools.registry import TOOLS


def test_what_nobody_stated_is_written_as_a_choice_or_as_null() -> None:
    written = written_out(TOOLS["predict_risk"], {"age": 61, "smoker": True})
    assert list(written) == list(TOOLS["predict_risk"].properties())
    assert written["cholesterol_unit"] == "mg/dL"
    assert written["smoker"] is True
    assert written["diabetes"] is False
    assert written["egfr"] is None
    course = written_out(TOOLS["simulate_treatment"], {"volumes_cm3": [12.1, 14]})
    assert course == {
        "volumes_cm3": [12.1, 14],
        "chemotherapy_at": [],
        "radiotherapy_at": [],
        "plans": None,
        "horizon": None,
    }


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("analyze_scan", {"image": "scan-1"}),
        ("design_molecules", {}),
        ("design_molecules", {"count": 5, "max_logp": 3}),
        ("find_similar_cases", {"query": "sepsis", "k": 5}),
        ("simulate_treatment", {"volumes_cm3": [1, 2], "plans": ["none"], "radiotherapy_at": [2]}),
    ],
)
def test_a_call_survives_being_written_out(tool: str, arguments: dict[str, object]) -> None:
    assert as_stated(TOOLS[tool], written_out(TOOLS[tool], arguments)) == arguments


def test_a_stated_default_is_not_repeated() -> None:
    stated = {"age": 61, "diabetes": False, "cholesterol_unit": "mg/dL"}
    assert as_stated(TOOLS["predict_risk"], stated) == {"age": 61}


def test_a_required_value_that_nobody_stated_is_null() -> None:
    written = written_out(TOOLS["predict_risk"], {"age": 61})
    assert written["sex"] is None
    assert as_stated(TOOLS["predict_risk"], written) == {"age": 61}
    assert TOOLS["predict_risk"].lacking(written)[:2] == ["sex", "total_cholesterol"]
    assert written_out(TOOLS["simulate_treatment"], {})["volumes_cm3"] is None


def test_the_same_call_twice_in_a_message_is_one_call() -> None:
    call = {"name": "profile_molecule", "arguments": {"molecule": "aspirin"}}
    other = {"name": "profile_molecule", "arguments": {"molecule": "ibuprofen"}}
    parsed = parsed_calls(json.dumps([call, other, call]))
    assert [arguments["molecule"] for _, arguments in parsed] == ["aspirin", "ibuprofen"]


def made(*calls: tuple[str, dict[str, Any]]) -> AIMessage:
    model = LocalChatModel.model_construct(local=SimpleNamespace(specs=list(TOOLS.values())))
    message, metadata = model._made(calls)
    return AIMessage(
        message.text,
        tool_calls=message.message.tool_calls,  # type: ignore[attr-defined]
        response_metadata=metadata,
    )


def test_a_call_that_lacks_a_value_becomes_the_question_for_it() -> None:
    known = {"age": 61, "sex": "male", "total_cholesterol": 6.1, "hdl_cholesterol": None}
    asked = made(("predict_risk", known), ("analyze_scan", {"image": None}))
    assert not asked.tool_calls
    assert asked.response_metadata["decision"] == "ask"
    assert asked.text == (
        "The cardiovascular risk predictor still needs the HDL cholesterol and the systolic blood pressure: "
        "please add them. The chest film reader still needs the film as an attachment: please add it."
    )
    assert calls_of(asked) == [
        ("predict_risk", {"age": 61, "sex": "male", "total_cholesterol": 6.1}),
        ("analyze_scan", {}),
    ]


def test_what_can_be_called_is_called_beside_what_lacks_a_value() -> None:
    mixed = made(("predict_risk", {"age": 61}), ("analyze_scan", {"image": "scan-1"}))
    assert [call["name"] for call in mixed.tool_calls] == ["analyze_scan"]
    assert mixed.response_metadata["decision"] == "call"
    assert mixed.text == ""
    assert [name for name, _ in calls_of(mixed)] == ["analyze_scan", "predict_risk"]
