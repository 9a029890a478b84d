"""A call as the model writes it, with every argument of the contract, and back."""

import json
from types import SimpleNamespace

import pytest

from consilium.assistant.llm.chat import LocalChatModel
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


def test_the_same_call_twice_in_a_message_is_one_call() -> None:
    model = LocalChatModel.model_construct(local=SimpleNamespace(specs=list(TOOLS.values())))
    call = {"name": "profile_molecule", "arguments": {"molecule": "aspirin"}}
    other = {"name": "profile_molecule", "arguments": {"molecule": "ibuprofen"}}
    parsed = model._parsed(json.dumps([call, other, call]))
    assert [json.loads(found["args"] or "")["molecule"] for found in parsed] == [
        "aspirin",
        "ibuprofen",
    ]
