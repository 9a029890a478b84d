"""The main job with the real language model, the shipped adapter and the real film reader."""

import re
from pathlib import Path

import pytest

from consilium.assistant.domain import Turn
from consilium.assistant.grounding import check, grounds, reports
from consilium.assistant.llm import template
from consilium.assistant.llm.weights import EMBEDDED
from consilium.assistant.playing import Player
from consilium.assistant.sample import SAMPLE_FILM
from consilium.assistant.settings import load_settings
from consilium.finetune.evaluate.cases import (
    Case,
    PredictedCall,
    PredictedTurn,
    Prediction,
    read_cases,
)
from consilium.finetune.evaluate.grade import grade_case

pytestmark = pytest.mark.model

_CASES = read_cases(Path(__file__).with_name("main_job.jsonl"))


@pytest.fixture(scope="module")
def played() -> dict[str, Turn]:
    settings = load_settings()
    if not (settings.home / "models" / EMBEDDED.name).exists():
        pytest.skip("the embedded model is not there (run `consilium fetch`)")
    with Player(settings, SAMPLE_FILM) as player:
        return {c.id: player.play([c.turns[0].user], len(c.attachments))[0] for c in _CASES}


def right(case: Case, turn: Turn) -> bool:
    calls = [PredictedCall(name=call.name, arguments=call.arguments) for call in turn.calls]
    prediction = Prediction(id=case.id, turns=[PredictedTurn(calls=calls, reply=turn.answer)])
    return grade_case(case, prediction)[0].exact


def of(kind: str) -> list[Case]:
    return [case for case in _CASES if case.id.startswith(kind)]


def test_nine_of_ten_film_questions_lead_to_the_reader(played: dict[str, Turn]) -> None:
    wrong = [case.id for case in of("film") if not right(case, played[case.id])]
    assert len(wrong) <= 1, wrong


def test_a_greeting_is_answered_in_words(played: dict[str, Turn]) -> None:
    wrong = [case.id for case in of("greeting") if not right(case, played[case.id])]
    assert wrong == []
    assert all(played[case.id].answer for case in of("greeting"))


def test_the_other_specialists_answer_too(played: dict[str, Turn]) -> None:
    """At least half of the calls are right as yet; a right call gets its result into the answer."""
    good = [case for case in of("tool") if right(case, played[case.id])]
    assert 2 * len(good) >= len(of("tool")), [case.id for case in good]
    for case in good:
        for result in [call.result for call in played[case.id].calls if call.result]:
            assert result.status == "ok", result.summary
            assert reports(played[case.id].answer, result.summary)


def test_every_number_in_every_answer_has_a_source(played: dict[str, Turn]) -> None:
    for turn in played.values():
        results = [template.render_result(call.result) for call in turn.calls if call.result]
        assert check(turn.answer, grounds([turn.user, *results])).removed == []


def test_the_answer_to_a_film_says_what_the_reader_says(played: dict[str, Turn]) -> None:
    for case in of("film"):
        turn = played[case.id]
        results = [call.result for call in turn.calls if call.result]
        if results and results[0].status == "ok":
            percent = re.search(r"\d+ %", results[0].summary)
            assert percent is not None
            assert percent.group() in turn.answer
            assert results[0].artifacts
