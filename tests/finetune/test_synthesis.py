"""The generator of conversations: labels right by the contract, stated in the chat, nobody else's cases."""

import os
import re
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from consilium.assistant.llm.stated import numbers
from consilium.finetune.evaluate.cases import PredictedCall, PredictedTurn, Prediction
from consilium.finetune.evaluate.grade import grade_case
from consilium.finetune.synthesis.__main__ import main
from consilium.finetune.synthesis.as_cases import as_case
from consilium.finetune.synthesis.chemistry import DRUGS, KNOWN_SMILES, compose_smiles
from consilium.finetune.synthesis.example import Call, Conversation
from consilium.finetune.synthesis.frames import frames
from consilium.finetune.synthesis.generate import SHARES, framed, generate
from consilium.finetune.synthesis.numerals import in_words
from consilium.finetune.synthesis.verify import diversity, messages, overlap, problems
from consilium.finetune.synthesis.voices import Forms, Writer, guard, misspell
from consilium.tools.contract import unavailable
from consilium.tools.registry import TOOLS

SHARED = Path(os.environ.get("CONSILIUM_SHARED", Path(__file__).parents[2].parent / "shared"))
DEV_CASES = SHARED / "toolcalls" / "dev.jsonl"
EVALUATE = Path(__file__).parents[2] / "finetune" / "evaluate"
REGISTERS = ("terse", "plain", "formal")


@pytest.fixture(scope="module")
def conversations() -> list[Conversation]:
    return list(generate(1200, seed=41))


def test_same_seed_same_conversations_and_a_longer_run_starts_alike() -> None:
    short = [c.model_dump_json() for c in generate(40, seed=3)]
    long = [c.model_dump_json() for c in generate(80, seed=3)]
    assert long[:40] == short
    assert [c.model_dump_json() for c in generate(40, seed=4)] != short


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_every_conversation_passes_its_checks(split) -> None:
    faults = [fault for c in generate(1000, seed=7, split=split) for fault in problems(c)]
    assert faults == []


def test_categories_come_in_their_shares(monkeypatch) -> None:
    monkeypatch.setattr("consilium.finetune.synthesis.generate.FRAMED", 0.0)
    counts = Counter(c.category for c in generate(1200, seed=41))
    for category, share in SHARES.items():
        assert counts[category] / 1200 == pytest.approx(share / 100, abs=0.035)


def test_category_describes_the_turns(conversations) -> None:
    for conversation in conversations:
        first = conversation.turns[0]
        match conversation.category:
            case "single":
                assert len(first.calls) == 1
            case "parallel":
                assert len(first.calls) > 1
            case "missing":
                assert first.asks
                assert not first.complete
            case "none":
                assert not first.asks
                assert not first.calls
            case "followup":
                assert len(conversation.turns) > 1
            case "result":
                assert first.calls[0].name == "analyze_scan"
                assert not conversation.turns[1].calls


def test_every_tool_and_every_argument_occurs(conversations) -> None:
    used = {
        (call.name, argument)
        for c in conversations
        for turn in c.turns
        for call in turn.calls
        for argument in call.arguments
    }
    assert used == {(name, arg) for name, spec in TOOLS.items() for arg in spec.args.model_fields}


def test_every_required_argument_is_asked_for_by_name(conversations) -> None:
    required = {
        name: field.description
        for spec in TOOLS.values()
        for name, field in spec.args.model_fields.items()
        if field.is_required()
    }
    assert all(required.values())
    asked = [turn for c in conversations for turn in c.turns if turn.asks]
    assert {name for turn in asked for name in turn.asks} >= set(required)
    for turn in asked:
        for name in turn.asks if not turn.complete else ():
            assert required.get(name, "the SMILES of the reference molecule") in turn.reply


def test_a_request_that_lacks_a_value_is_a_call_without_it(conversations) -> None:
    lacking = [c.turns[0].calls for c in conversations if c.category == "missing"]
    assert sum(bool(calls) for calls in lacking) > 0.9 * len(lacking)
    assert all(call.lacking for calls in lacking for call in calls)
    known = [call for calls in lacking for call in calls if call.name == "predict_risk"]
    assert any("total_cholesterol" in call.arguments for call in known)


def test_what_can_be_run_is_run_beside_what_lacks_a_value(conversations) -> None:
    mixed = [
        t for c in conversations for t in c.turns if t.complete and len(t.calls) > len(t.complete)
    ]
    assert mixed
    for turn in mixed:
        assert len(turn.results) == len(turn.complete)
        assert turn.asks


def test_booleans_and_units_appear_only_where_they_differ_from_the_default(conversations) -> None:
    for call in (call for c in conversations for turn in c.turns for call in turn.calls):
        assert False not in [value for value in call.arguments.values() if value is False]
        assert call.arguments.get("cholesterol_unit", "mmol/L") == "mmol/L"


def test_mmol_per_litre_was_said_or_can_be_seen(conversations) -> None:
    for conversation in conversations:
        said = ""
        for turn in conversation.turns:
            said += turn.user.lower()
            for call in (c for c in turn.calls if "cholesterol_unit" in c.arguments):
                value = call.arguments.get("total_cholesterol") or call.arguments["hdl_cholesterol"]
                assert re.search("mmol|millimol", said) or value < 20


def test_specialists_that_are_not_installed_say_so() -> None:
    result = unavailable(TOOLS["predict_risk"])
    assert result.status == "unavailable"
    assert result.summary == (
        "The cardiovascular risk predictor is not installed in this version, so predict_risk was not run."
    )


def planted(**changes) -> Conversation:
    """A right conversation about a risk, with changes to its first call or turn."""
    call = {
        "age": 54,
        "sex": "male",
        "total_cholesterol": 6.1,
        "hdl_cholesterol": 1.2,
        "systolic_bp": 142,
        "cholesterol_unit": "mmol/L",
    }
    turn = {
        "user": "CV risk? man of fifty-four, cholesterol 6,1 mmol/l, HDL 1,2, BP 142/80",
        "calls": [{"name": "predict_risk", "arguments": call | changes.pop("arguments", {})}],
        "results": [unavailable(TOOLS["predict_risk"])],
        "reply": "The cardiovascular risk predictor is not installed.",
    }
    return Conversation.model_validate({"id": "x", "category": "single", "turns": [turn | changes]})


def test_a_right_conversation_has_no_problem() -> None:
    assert problems(planted()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arguments": {"age": 55}}, "age = 55"),
        ({"arguments": {"systolic_bp": 14.2}}, "systolic_bp = 14.2"),
        ({"arguments": {"systolic_bp": "142"}}, "breaks the contract"),
        ({"arguments": {"weight": 142}}, "breaks the contract"),
        ({"arguments": {"egfr": 61}}, "egfr = 61"),
        ({"reply": "The risk is 12 %."}, "12"),
        ({"reply": ""}, "empty"),
        ({"results": []}, "one result for each call"),
        ({"asks": ["age"]}, "without what it asks for"),
        (
            {"calls": [{"name": "predict_risk", "arguments": {"age": 54}}], "results": []},
            "lacks sex, which is not asked for",
        ),
        (
            {"calls": [{"name": "profile_molecule", "arguments": {"molecule": "CCO"}}]},
            "does not stand in the chat",
        ),
        (
            {"calls": [{"name": "analyze_scan", "arguments": {"image": "scan-1"}}]},
            "not attached",
        ),
        (
            {
                "user": "100 new molecules",
                "calls": [{"name": "design_molecules", "arguments": {"count": 100}}],
            },
            "less than or equal to 50",
        ),
        (
            {
                "user": "5 analogues of CCO",
                "calls": [
                    {"name": "design_molecules", "arguments": {"similar_to": "CCO", "count": 5}}
                ],
            },
            "order",
        ),
    ],
)
def test_a_planted_fault_is_found(changes, words) -> None:
    assert any(words in problem for problem in problems(planted(**changes)))


@pytest.mark.parametrize("language", ["en", "de", "es", "fr", "it", "nl", "pt"])
@pytest.mark.parametrize("value", [2, 7, 13, 20, 21, 71, 99, 100, 101, 142, 399, 5.8, 1.05, 19.2])
def test_numbers_in_words_are_read_back(value, language) -> None:
    assert value in {float(n) for n in numbers(f"so {in_words(value, language)} also")}


def test_smiles_are_well_formed_and_names_are_plain() -> None:
    rng = Random(5)
    for smiles in [*KNOWN_SMILES, *(compose_smiles(rng) for _ in range(3000))]:
        for opening, closing in ("()", "[]"):
            assert smiles.count(opening) == smiles.count(closing)
        outside_brackets = re.sub(r"\[[^\]]*\]", "", smiles)
        assert all(n % 2 == 0 for n in Counter(re.findall(r"\d", outside_brackets)).values())
        assert re.fullmatch(r"[A-Za-z0-9@+\-\[\]()=#/\\]+", smiles)
    assert all(re.fullmatch(r"[a-z]+", name) for name in DRUGS)
    assert len(set(DRUGS)) == len(DRUGS)
    assert len(set(KNOWN_SMILES)) == len(KNOWN_SMILES)


@pytest.mark.parametrize("number", range(30))
def test_guarded_values_survive_every_voice(number) -> None:
    writer = Writer(Random(number))
    writer.careless = True
    value = "CC(=O)Nc1ccc(and for please)cc1  6.10 mg/dL"
    assert value in writer.finish(f"please profile the molecule {guard(value)} for the patient.")


def test_a_slip_changes_a_word_but_not_its_first_letter() -> None:
    rng = Random(2)
    slips = {misspell("cardiovascular", rng) for _ in range(100)}
    assert len(slips) > 20
    assert all(slip.startswith("c") for slip in slips)


def test_heldout_forms_are_never_used_in_training() -> None:
    forms = Forms(*(f"form {n}" for n in range(60)), terse=[f"terse {n}" for n in range(20)])
    trained = {form for register in REGISTERS for form in forms.choices("train", register)}
    held = {form for register in REGISTERS for form in forms.choices("heldout", register)}
    assert trained
    assert held
    assert not trained & held


def test_messages_are_varied(conversations) -> None:
    varied = diversity(messages(conversations))
    assert varied.distinct_messages > 0.9
    assert varied.distinct_ngrams[4] > 0.7


def test_no_message_copies_an_evaluation_case(conversations) -> None:
    if not DEV_CASES.exists():
        pytest.skip(f"no evaluation cases at {DEV_CASES}; set CONSILIUM_SHARED")
    near = overlap(messages(conversations), DEV_CASES)
    assert near.shared == []
    assert near.nearest < 0.9


@pytest.fixture(scope="module")
def said_in_frames() -> list[str]:
    said = []
    for number, frame in enumerate([*frames("train"), *frames("heldout")]):
        writer = Writer(Random(number))
        writer.careless = False  # a slip of the fingers would hide a copy
        said += messages([framed(frame, writer, f"frame {number}")])
    return said


@pytest.mark.parametrize("cases", [DEV_CASES, *sorted(EVALUATE.glob("*.jsonl"))])
def test_no_frame_copies_an_evaluation_case(cases, said_in_frames) -> None:
    if not cases.exists():
        pytest.skip(f"no evaluation cases at {cases}")
    assert len(said_in_frames) > 5000
    assert overlap(said_in_frames, cases).shared == []


def test_a_copied_case_is_found(tmp_path) -> None:
    cases = tmp_path / "cases.jsonl"
    copied = "please read the film of the tall man in the corner bed today"
    cases.write_text(f'{{"turns": [{{"user": "{copied}"}}]}}\n', encoding="utf-8")
    near = overlap([f"hello, {copied}"], cases)
    assert near.shared
    assert near.nearest > 0.9


def test_command_line_writes_what_generate_yields(tmp_path, monkeypatch, capsys) -> None:
    out = tmp_path / "out.jsonl"
    arguments = ["synthesis", "--count", "30", "--seed", "9", "--split", "heldout"]
    monkeypatch.setattr("sys.argv", [*arguments, "--out", str(out)])
    assert main() == 0
    lines = out.read_text(encoding="utf-8").splitlines()
    expected = [c.model_dump_json() for c in generate(30, seed=9, split="heldout")]
    assert lines == expected
    assert Conversation.model_validate_json(lines[0])
    assert "distinct messages" in capsys.readouterr().out


def test_cases_are_counted_as_they_are_written(tmp_path, monkeypatch, capsys) -> None:
    out = tmp_path / "out.jsonl"
    arguments = ["synthesis", "--count", "150", "--seed", "9", "--cases", "--out", str(out)]
    monkeypatch.setattr("sys.argv", arguments)
    assert main() == 0
    written = len(out.read_text(encoding="utf-8").splitlines())
    assert written < 150
    assert f"{out}: {written} conversations" in capsys.readouterr().out


@pytest.mark.parametrize("plans", [None, "none", ["cure", "none"], [["none"]]])
def test_plans_that_are_none_are_left_to_the_contract(plans) -> None:
    assert Call(name="simulate_treatment", arguments={"plans": plans}).arguments["plans"] == plans


def test_plans_stand_in_one_order() -> None:
    call = Call(name="simulate_treatment", arguments={"plans": ["radiotherapy", "none"]})
    assert call.arguments["plans"] == ["none", "radiotherapy"]


def test_calls_keep_integers_and_decimals_as_said() -> None:
    call = Call(name="predict_risk", arguments={"age": 55, "hdl_cholesterol": 1.05})
    assert call.model_dump_json() == (
        '{"name":"predict_risk","arguments":{"age":55,"hdl_cholesterol":1.05}}'
    )


def test_the_gold_behaviour_passes_as_a_case(conversations) -> None:
    at_once = [c for c in conversations if c.attachments == c.turns[0].attachments]
    for conversation in at_once:
        case = as_case(conversation.model_copy(update={"category": "single"}))
        turns = [
            PredictedTurn(
                calls=[PredictedCall(name=c.name, arguments=c.arguments) for c in turn.complete],
                reply=turn.reply,
            )
            for turn in conversation.turns
        ]
        grades = grade_case(case, Prediction(id=case.id, turns=turns))
        assert all(grade.exact for grade in grades), conversation.id
