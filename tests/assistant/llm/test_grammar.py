"""Under the grammar a call is valid and holds only what was stated; checked on raw text, without a model."""

from decimal import Decimal

import pytest
import xgrammar as xgr

from consilium.assistant.llm.grammar import Stated, calls_grammar, words_grammar
from consilium.tools.registry import TOOLS

_BYTES = [bytes([value]) for value in range(256)]
_COMPILER = xgr.GrammarCompiler(
    xgr.TokenizerInfo([*_BYTES, "<end>"], vocab_type=xgr.VocabType.RAW, stop_token_ids=[256])
)
_SAID = "54M, TC 6,1 and HDL 1.05 mmol/l, BP 136/84, profile CC(=O)Nc1ccc(O)cc1 and aspirin"


def accepts(grammar: xgr.Grammar | None, text: str) -> bool:
    assert grammar is not None
    matcher = xgr.GrammarMatcher(_COMPILER.compile_grammar(grammar))
    return matcher.accept_string(text) and matcher.is_completed()


@pytest.fixture(scope="module")
def calls() -> xgr.Grammar | None:
    return calls_grammar(TOOLS.values(), Stated.of([_SAID], ["scan-1", "scan-2"]))


@pytest.mark.parametrize(
    "text",
    [
        '[{"name":"analyze_scan","arguments":{"image":"scan-2"}}]',
        '[{"name":"predict_risk","arguments":{"age":54,"sex":"male","total_cholesterol":6.1,'
        '"hdl_cholesterol":1.05,"systolic_bp":136,"cholesterol_unit":"mmol/L","smoker":true}}]',
        '[{"name":"profile_molecule","arguments":{"molecule":"CC(=O)Nc1ccc(O)cc1"}},'
        '{"name":"profile_molecule","arguments":{"molecule":"aspirin"}}]',
        '[{"name":"find_similar_cases","arguments":{"query":"a man, é"}}]',
        '[{"name":"simulate_treatment","arguments":{"volumes_cm3":[6.1,1.05],'
        '"chemotherapy_at":[1],"plans":["none"],"horizon":6}}]',
        '[{"name":"design_molecules","arguments":{}}]',
    ],
)
def test_valid_calls_can_be_said(calls: xgr.Grammar | None, text: str) -> None:
    assert accepts(calls, text)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '[{"name":"prescribe","arguments":{}}]',
        '[{"name":"analyze_scan","arguments":{"image":"scan-3"}}]',
        '[{"name":"analyze_scan","arguments":{}}]',
        '[{"name":"profile_molecule","arguments":{"molecule":"ibuprofen"}}]',
        '[{"name":"design_molecules","arguments":{"max_weight":500}}]',
        '[{"name":"design_molecules","arguments":{"count":54}}]',
        '[{"name":"simulate_treatment","arguments":{"volumes_cm3":[6.1]}}]',
        '[{"name":"predict_risk","arguments":{"age":"54"}}]',
    ],
)
def test_invalid_unknown_and_unstated_cannot(calls: xgr.Grammar | None, text: str) -> None:
    assert not accepts(calls, text)


def test_a_tool_whose_values_were_never_said_cannot_be_called() -> None:
    specs = [TOOLS["analyze_scan"], TOOLS["predict_risk"]]
    assert calls_grammar(specs, Stated.of(["read the film please"], [])) is None


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


def test_without_any_number_words_hold_none() -> None:
    assert accepts(words_grammar(set()), "Hello there.")
    assert not accepts(words_grammar(set()), "Hello 2.")
