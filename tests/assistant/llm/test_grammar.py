"""Under the grammar a call is valid and holds only what was stated; checked on raw text, without a model."""

import json
from decimal import Decimal
from typing import Any

import pytest
import xgrammar as xgr

from consilium.assistant.llm.grammar import Stated, calls_grammar, words_grammar
from consilium.assistant.llm.template import call_message
from consilium.assistant.runner import run_call
from consilium.tools.contract import ToolContext
from consilium.tools.registry import TOOLS

_BYTES = [bytes([value]) for value in range(256)]
_COMPILER = xgr.GrammarCompiler(
    xgr.TokenizerInfo([*_BYTES, "<end>"], vocab_type=xgr.VocabType.RAW, stop_token_ids=[256])
)
_SAID = (
    "a man, é (54M), TC 6,1 and HDL 1.05 mmol/l, BP 136/84, profile CC(=O)Nc1ccc(O)cc1 and aspirin"
)


def accepts(grammar: xgr.Grammar | None, text: str) -> bool:
    assert grammar is not None
    matcher = xgr.GrammarMatcher(_COMPILER.compile_grammar(grammar))
    return matcher.accept_string(text) and matcher.is_completed()


@pytest.fixture(scope="module")
def calls() -> xgr.Grammar | None:
    return calls_grammar(TOOLS.values(), Stated.of([_SAID], ["scan-1", "scan-2"]))


def said(*calls: tuple[str, dict[str, Any]]) -> str:
    message = call_message(calls, TOOLS.values())
    return json.dumps(
        [call["function"] for call in message["tool_calls"]],
        separators=(",", ":"),
        ensure_ascii=False,
    )


_RISK = {
    "age": 54,
    "sex": "male",
    "total_cholesterol": 6.1,
    "hdl_cholesterol": 1.05,
    "systolic_bp": 136,
    "cholesterol_unit": "mmol/L",
    "smoker": True,
}
_SCAN = ("analyze_scan", {"image": "scan-2"})


@pytest.mark.parametrize(
    "text",
    [
        said(_SCAN),
        said(("predict_risk", _RISK)),
        said(
            ("profile_molecule", {"molecule": "CC(=O)Nc1ccc(O)cc1"}),
            ("profile_molecule", {"molecule": "aspirin"}),
        ),
        said(("find_similar_cases", {"query": "a man, é"}), _SCAN),
        said(("find_similar_cases", {"query": "man, é (54M), TC 6,1 and HDL"})),
        said(("find_similar_cases", {})),
        said(("analyze_scan", {})),
        said(("predict_risk", {"age": 54, "sex": "male"})),
        said(
            (
                "simulate_treatment",
                {
                    "volumes_cm3": [6.1, 1.05],
                    "chemotherapy_at": [1],
                    "plans": ["none"],
                    "horizon": 1,
                },
            )
        ),
        said(("design_molecules", {})),
        '[{"name":"design_molecules","arguments":{"count":null,"similar_to":null,"min_qed":null,'
        '"max_logp":6.1,"max_weight":null}}]',
    ],
)
def test_valid_calls_can_be_said(calls: xgr.Grammar | None, text: str) -> None:
    assert accepts(calls, text)


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("10,000 molecules, 1 at a time", "design_molecules", {"count": 10000}),
        ("5 of QED 1.7", "design_molecules", {"min_qed": 1.7}),
        (
            "6.1 then 6.3, ten visits ahead",
            "simulate_treatment",
            {"horizon": 10, "volumes_cm3": [6.1, 6.3]},
        ),
    ],
)
def test_what_was_asked_for_beyond_the_limits_is_refused_and_not_replaced(
    text: str, tool: str, arguments: dict[str, Any]
) -> None:
    assert accepts(calls_grammar(TOOLS.values(), Stated.of([text], [])), said((tool, arguments)))
    refused = run_call(TOOLS[tool], arguments, ToolContext())
    name, value = next(iter(arguments.items()))
    assert f" was not run: {name.replace('_', ' ')} may be at most " in refused.summary
    assert refused.summary.endswith(f", not {value}.")


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '[{"name":"prescribe","arguments":{}}]',
        said(("analyze_scan", {"image": "scan-3"})),
        '[{"name":"analyze_scan","arguments":{}}]',
        said(("profile_molecule", {"molecule": "ibuprofen"})),
        said(("profile_molecule", {"molecule": "6,1"})),
        said(("find_similar_cases", {"query": "a woman, é"})),
        said(("find_similar_cases", {"query": "man é"})),
        said(("find_similar_cases", {"query": ""})),
        said(("simulate_treatment", {"volumes_cm3": [6.1, 1.05], "plans": []})),
        said(("design_molecules", {"max_weight": 500})),
        said(("design_molecules", {"count": 55})),
        said(("simulate_treatment", {"volumes_cm3": [6.1, 1.05], "horizon": 3})),
        '[{"name":"design_molecules","arguments":{}}]',
        said(("simulate_treatment", {"volumes_cm3": [6.1]})),
        said(("predict_risk", _RISK | {"age": "54"})),
        said(("predict_risk", _RISK | {"smoker": None})),
    ],
)
def test_invalid_unknown_and_unstated_cannot(calls: xgr.Grammar | None, text: str) -> None:
    assert not accepts(calls, text)


@pytest.mark.parametrize(
    ("volumes", "chemotherapy", "fine"),
    [
        ([6.1, 1.05], [], True),
        ([6.1, 1.05], [1], True),
        ([6.1, 1.05], [1, 2], True),
        ([6.1, 1.05], [2, 1], False),
        ([6.1, 1.05], [1, 1], False),
        ([6.1, 1.05], [3], False),
        ([6.1, 1.05, 54], [3], True),
        ([6.1] * 12, [1], False),  # fewer numbers were said
    ],
)
def test_visits_exist_and_rise(
    calls: xgr.Grammar, volumes: list[float], chemotherapy: list[int], fine: bool
) -> None:
    course = {"volumes_cm3": volumes, "chemotherapy_at": chemotherapy}
    assert accepts(calls, said(("simulate_treatment", course))) is fine


def test_a_long_list_may_name_any_place() -> None:
    many = [10 + i for i in range(20)]
    grammar = calls_grammar(TOOLS.values(), Stated.of([" ".join(map(str, many))], []))
    course = {"volumes_cm3": many, "radiotherapy_at": [1, 19]}
    assert accepts(grammar, said(("simulate_treatment", course)))


def test_what_was_never_said_can_only_be_null() -> None:
    unsaid = calls_grammar(TOOLS.values(), Stated.of(["read the film please"], []))
    assert accepts(unsaid, said(("analyze_scan", {})))
    assert not accepts(unsaid, said(_SCAN))
    assert accepts(unsaid, said(("predict_risk", {"sex": "male"})))
    assert not accepts(unsaid, said(("predict_risk", {"age": 54, "sex": "male"})))


@pytest.mark.parametrize(
    "text",
    [
        'He said "no"\nand \\ left; 3 µg/dL, "5\' 10"',
        "肺炎 三天 高烧",
        "…?!",
        "_ __",
        "word " * 3000,
        "?" * 5000,
    ],
)
def test_any_text_can_be_quoted(text: str) -> None:
    quoting = calls_grammar([TOOLS["find_similar_cases"]], Stated.of([text], []))
    spoken = any(character.isalnum() for character in text)
    last = text.split()[-1].strip("\"'")
    assert accepts(quoting, said(("find_similar_cases", {"query": last}))) is spoken
    if "no" in text:
        assert accepts(quoting, said(("find_similar_cases", {"query": 'said "no"\nand \\ left'})))


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("It is 54.", True),
        ("At 54, with 6.1: fine", True),
        ("54", True),
        ("No number.", True),
        ("It is 55", False),
        ("It is 541", False),
        ("It is 54.1", False),
        ("", False),
    ],
)
def test_words_hold_only_allowed_numbers(text: str, fine: bool) -> None:
    assert accepts(words_grammar({Decimal(54), Decimal("6.10")}), text) is fine


def test_a_number_can_be_said_as_the_results_have_it() -> None:
    said = "It is 24.0 % (6.1 to 30.0), of 3,054."
    grammar = words_grammar({Decimal(24), Decimal("6.1"), Decimal(3054)}, [said])
    assert accepts(grammar, "None of 3,054 (3054), 24.0.")
    assert accepts(grammar, "It is 24.0 %, or 24 (6.1).")
    assert not accepts(grammar, "It is 30.0 %.")
    assert not accepts(grammar, "It is 24.00 %.")


def test_without_any_number_words_hold_none() -> None:
    assert accepts(words_grammar(set()), "Hello there.")
    assert not accepts(words_grammar(set()), "Hello 2.")
