"""Changed runs alter no right answer, and a case passes only where every run is right."""

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest

from consilium.assistant.domain import Call, ConsiliumError, ModelInfo, Turn, TurnStatus
from consilium.assistant.llm.stated import numbers
from consilium.finetune.evaluate.baselines import parsed_calls
from consilium.finetune.evaluate.cases import Case, read_cases
from consilium.finetune.evaluate.robustness import DISTRACTOR, mistyped, variants
from consilium.finetune.evaluate.run import Evaluation, evaluate, evaluate_robustness
from consilium.tools.registry import TOOLS

SHARED = Path(os.environ.get("CONSILIUM_SHARED", Path(__file__).parents[2].parent / "shared"))
CASE = Case.model_validate(
    {
        "id": "a",
        "category": "single",
        "turns": [
            {
                "user": "Please describe apixaban: twenty milligrams, CCOc1ccccc1 and 6.1 mmol/L today",
                "expect": {
                    "calls": [{"name": "profile_molecule", "arguments": {"molecule": ["apixaban"]}}]
                },
            }
        ],
    }
)


def test_typing_errors_leave_what_a_call_needs() -> None:
    for seed in range(30):
        text = mistyped(CASE, seed).turns[0].user
        assert text != CASE.turns[0].user
        assert mistyped(CASE, seed).turns[0].user == text
        for kept in ("apixaban", "twenty", "CCOc1ccccc1", "6.1 mmol/L"):
            assert kept in text


def test_typing_errors_leave_drugs_and_what_a_later_call_needs() -> None:
    first, second = "we asked about melanoma and metformin, ramipril, atorvastatin", "and now again"
    turns = [
        {"user": first, "expect": {}},
        {
            "user": second,
            "expect": {
                "calls": [{"name": "find_similar_cases", "arguments": {"query": ["melanoma"]}}]
            },
        },
    ]
    case = Case.model_validate({"id": "a", "category": "followup", "turns": turns})
    for seed in range(30):
        text = mistyped(case, seed).turns[0].user
        assert all(w in text for w in ("melanoma", "metformin", "ramipril", "atorvastatin"))


def test_typing_errors_of_the_dev_cases_keep_every_number() -> None:
    file = SHARED / "toolcalls" / "dev.jsonl"
    if not file.exists():
        pytest.skip(f"{file} is not here (set CONSILIUM_SHARED)")
    cases = read_cases(file)
    changed = 0
    for case in cases:
        for before, after in zip(case.turns, mistyped(case).turns, strict=True):
            assert numbers(before.user) == numbers(after.user)
            assert before.expect == after.expect
            changed += before.user != after.user
            digits = r"\S*\d\S*"
            assert re.findall(digits, before.user) == re.findall(digits, after.user)
    assert changed > 0.9 * sum(len(case.turns) for case in cases)


def test_variants() -> None:
    plain, *others = variants([CASE], list(TOOLS.values()))
    assert [v.name for v in others] == ["order-1", "order-2", "distractor", "typos"]
    for other in others[:2]:
        assert sorted(s.name for s in other.specs) == sorted(s.name for s in plain.specs)
        assert [s.name for s in other.specs] != [s.name for s in plain.specs]
    assert DISTRACTOR in others[2].specs


class Scripted:
    """A player that calls the profiler; behind a distractor it calls that."""

    def __init__(self, specs: Sequence[Any], status: TurnStatus, device: str) -> None:
        self.names = [spec.name for spec in specs]
        self.status = status
        self.model = ModelInfo(name="scripted", device=device)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def play(self, messages: Sequence[str], attachments: int) -> list[Turn]:
        name = "order_lab_test" if "order_lab_test" in self.names else "profile_molecule"
        call = Call(id="1", name=name, arguments={"molecule": "apixaban"})
        now = datetime.now(UTC)
        calls = [call] if self.names else []
        return [
            Turn(id="t", user=m, calls=calls, status=self.status, error="Gone.", created_at=now)
            for m in messages
        ]


def _player(status: TurnStatus = TurnStatus.DONE, device: str = "cpu") -> Any:
    return lambda specs, load: Scripted(specs, status, device)


@pytest.fixture
def asked(tmp_path: Path) -> Evaluation:
    file = tmp_path / "cases.jsonl"
    second = CASE.model_copy(update={"id": "b"})
    file.write_text(f"{CASE.model_dump_json()}\n{second.model_dump_json()}\n")
    return Evaluation(file, predictions=tmp_path / "out" / "p.jsonl")


def test_a_case_passes_where_every_run_is_right(asked: Evaluation) -> None:
    report, text = evaluate_robustness(asked, _player())
    assert report["runs"]["plain"]["percent"] == 100
    assert report["runs"]["distractor"]["percent"] == 0
    assert report["pass^5"]["percent"] == 0
    assert report["lost"]["distractor"] == ["a", "b"]
    assert "pass^5" in text
    assert asked.predictions is not None
    assert (asked.predictions.parent / "p.typos.jsonl").exists()
    assert evaluate_robustness(asked, _player()) == (report, text)


def test_a_server_is_under_no_grammar_of_ours_and_the_film_is_named(tmp_path: Path) -> None:
    (film := tmp_path / "film.png").write_bytes(b"film")
    local, server = (ModelInfo(name="m", device=where) for where in ("cpu", "http://127.0.0.1/v1"))
    plain = Evaluation(tmp_path)
    assert plain.described(local)["decoding"] == "grammar"
    assert plain.described(server)["decoding"] == "server"
    assert "film_sha256" not in plain.described(local)
    assert len(Evaluation(tmp_path, film=film).described(local)["film_sha256"]) == 64


def test_without_tools_nothing_is_called(asked: Evaluation) -> None:
    report, _ = evaluate(Evaluation(asked.cases, without_tools=True), _player())
    assert report["exact"]["percent"] == 0
    assert report["confusion"] == {"profile_molecule -> no call": 2}
    assert report["worst"][0]["faults"] == ["no call of profile_molecule"]


def test_a_turn_that_failed_is_wrong_and_a_server_that_fails_ends_the_run(
    asked: Evaluation,
) -> None:
    report, _ = evaluate(asked, _player(TurnStatus.FAILED))
    assert report["worst"][0]["faults"] == ["was not played"]
    elsewhere = Evaluation(asked.cases)
    with pytest.raises(ConsiliumError, match=r"Case a: Gone\."):
        evaluate(elsewhere, _player(TurnStatus.FAILED, "http://127.0.0.1/v1"))


@pytest.mark.parametrize(
    "text",
    ["", "{}", "hello", "[1]", '[{"name": 3, "arguments": {}}]', '[{"name": "a"}]', '[{"name"'],
)
def test_free_text_that_holds_no_calls(text: str) -> None:
    assert parsed_calls(text) == []


def test_free_text_that_holds_calls() -> None:
    assert parsed_calls('[{"name":"a","arguments":{"b":1}}]') == [("a", {"b": 1})]
