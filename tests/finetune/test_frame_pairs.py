"""Two frames as one chat: the right calls stay those of each."""

from random import Random

from consilium.finetune.synthesis.frames import Frame, frames
from consilium.finetune.synthesis.frames.pairs import paired
from consilium.finetune.synthesis.generate import framed
from consilium.finetune.synthesis.verify import problems
from consilium.finetune.synthesis.voices import Writer


def _call(name, **arguments):
    return {"name": name, "arguments": arguments}


def _frame(*turns):
    return Frame.model_validate({"turns": list(turns)})


_RISK = {
    "user": "{age}F tc {tc} hdl {hdl} sbp {sbp}",
    "calls": [
        _call(
            "predict_risk",
            age="{age}",
            sex="female",
            total_cholesterol="{tc}",
            hdl_cholesterol="{hdl}",
            systolic_bp="{sbp}",
        )
    ],
}
_NO_AGE = {
    "user": "F tc {tc} hdl {hdl} sbp {sbp}",
    "calls": [
        _call(
            "predict_risk",
            sex="female",
            total_cholesterol="{tc}",
            hdl_cholesterol="{hdl}",
            systolic_bp="{sbp}",
        )
    ],
}
_FILM = {
    "user": "film",
    "attachments": ["scan-1"],
    "calls": [_call("analyze_scan", image="scan-1")],
}
_NO_FILM = {"user": "read the film", "calls": [_call("analyze_scan")]}
_CASES = {"user": "cases like gout", "calls": [_call("find_similar_cases", query="gout")]}
_THANKS = {"user": "thanks", "calls": [], "kind": "thanks"}


def _pair(first, second):
    return paired(Writer(Random(1)), _frame(first), _frame(second))


def test_two_tools_go_into_one_message_in_their_order() -> None:
    pair = _pair(_RISK, _CASES)
    (turn,) = pair.turns
    assert [call.name for call in turn.calls] == ["predict_risk", "find_similar_cases"]
    assert turn.user.index("sbp") < turn.user.index("gout")


def test_the_second_patient_has_values_of_her_own() -> None:
    chat = framed(_pair(_RISK, _RISK), Writer(Random(2)), "chat")
    first, second = (turn.calls[0].arguments for turn in chat.turns)
    assert first["systolic_bp"] != second["systolic_bp"]
    assert str(second["systolic_bp"]) in chat.turns[1].user


def test_a_value_that_lacks_is_not_found_in_the_other_chat() -> None:
    assert _pair(_RISK, _NO_AGE) is None
    assert _pair(_NO_AGE, _CASES) is None


def test_films_keep_their_ids() -> None:
    assert _pair(_FILM, _FILM) is None
    assert _pair(_FILM, _NO_FILM) is None
    assert _pair(_RISK, _FILM).turns[0].attachments == ["scan-1"]


def test_cases_are_not_joined_with_a_film_that_they_might_mean() -> None:
    assert len(_pair(_FILM, _CASES).turns) == 2


def test_a_remark_stays_a_message_of_its_own() -> None:
    assert [turn.user for turn in _pair(_CASES, _THANKS).turns] == ["cases like gout", "thanks"]


def test_pairs_of_shipped_frames_are_right() -> None:
    chats, made = frames("train"), 0
    tried = range(0, len(chats) - 1, 10)
    for number in tried:
        writer = Writer(Random(number))
        if (pair := paired(writer, chats[number], chats[number + 1])) is not None:
            made += 1
            faults = problems(framed(pair, writer, f"pair {number}"))
            assert [f for f in faults if "longer than" not in f] == []
    assert made > len(tried) / 3
