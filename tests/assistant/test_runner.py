"""Whatever a tool does, a call ends as a result with a plain sentence."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from consilium.assistant.llm.grammar import Stated
from consilium.assistant.runner import run_call
from consilium.tools.contract import ToolContext, ToolError, ToolResult
from consilium.tools.registry import TOOLS

_SPEC = TOOLS["profile_molecule"]
_ARGUMENTS = {"molecule": "CCO"}


def run(tool: Callable[..., Any], **options: Any) -> ToolResult:
    spec = replace(_SPEC, load=lambda: tool, time_limit=0.3)
    return run_call(spec, _ARGUMENTS, ToolContext(), **options)


def test_a_result_comes_through() -> None:
    assert run(lambda *_: ToolResult(summary="Fine.")).summary == "Fine."


def test_a_refusal_is_a_result() -> None:
    def refuse(*_: Any) -> ToolResult:
        raise ToolError("The SMILES ends too early.")

    assert run(refuse).reason == "The SMILES ends too early."


def test_an_exception_says_no_secrets() -> None:
    def crash(*_: Any) -> ToolResult:
        raise ValueError("/home/jane/patient.dcm")

    result = run(crash)
    assert result.status == "error"
    assert "jane" not in result.model_dump_json()


def test_a_panic_is_no_time_out() -> None:
    class PanicError(BaseException):
        pass

    def panic(*_: Any) -> ToolResult:
        raise PanicError

    assert "failed unexpectedly (PanicError)" in run(panic).summary


def test_a_hanging_tool_is_given_up() -> None:
    result = run(lambda *_: time.sleep(5))
    assert "longer than 0.3 seconds" in result.summary


def test_stop_ends_the_waiting() -> None:
    stop = threading.Event()
    stop.set()
    assert run(lambda *_: time.sleep(5), stop=stop).summary == "The molecule profiler was stopped."


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "molecule: Field required"),
        ({"molecule": 3}, "valid string"),
        ({"molecule": "CCO", "x": 1}, "x: Extra inputs"),
    ],
)
def test_an_invalid_call_names_the_argument(arguments: dict[str, Any], says: str) -> None:
    assert says in run_call(_SPEC, arguments, ToolContext()).summary


def test_a_value_nobody_stated_is_refused() -> None:
    arguments = {
        "age": 61,
        "sex": "female",
        "total_cholesterol": 213,
        "hdl_cholesterol": 50,
        "systolic_bp": 120,
    }
    stated = Stated.of(["woman of 61, cholesterol 213, HDL 50"], [])
    result = run_call(TOOLS["predict_risk"], arguments, ToolContext(), stated=stated)
    assert "nobody in this chat stated the systolic_bp" in result.summary
    assert "120" not in result.model_dump_json()  # or an answer could repeat it
    optional = {**arguments, "systolic_bp": 61, "egfr": 77}
    assert "egfr" in run_call(TOOLS["predict_risk"], optional, ToolContext(), stated=stated).summary


@pytest.mark.parametrize(
    ("said", "given", "fine"),
    [
        ("profile c1ccccc1.", "c1ccccc1", True),
        ("profile c1ccccc1.", "C1CCCCC1", False),
        ("profile CC(=O)Nc1ccc(O)cc1", "C", False),
        ("Valproic  acid, please", "valproic acid", True),
        ("paracetamol", "cet", False),
    ],
)
def test_a_molecule_is_taken_as_it_was_written(said: str, given: str, fine: bool) -> None:
    stated = Stated.of([said], [])
    spec = replace(_SPEC, load=lambda: lambda *_: ToolResult(summary="Fine."))
    result = run_call(spec, {"molecule": given}, ToolContext(), stated=stated)
    assert (result.status == "ok") is fine


def test_a_contract_without_specialist_says_so() -> None:
    result = run_call(replace(_SPEC, load=None), _ARGUMENTS, ToolContext())
    assert result.status == "unavailable"
    assert "not installed in this version" in result.summary
