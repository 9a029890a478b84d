"""Frames: whole chats with slots; what they give is right by the contract and keeps to what was said."""

import json
from pathlib import Path
from random import Random

import pytest

from consilium.assistant.domain import ConsiliumError
from consilium.finetune.lines import read_lines
from consilium.finetune.synthesis.frames import Frame, frames
from consilium.finetune.synthesis.generate import framed
from consilium.finetune.synthesis.verify import problems
from consilium.finetune.synthesis.voices import Writer

_CHAT = {
    "turns": [
        {
            "user": "[please|kindly] look ahead: {v1:comma} then {v2:comma} cc, {h:words} visits",
            "calls": [
                {
                    "name": "simulate_treatment",
                    "arguments": {"volumes_cm3": ["{v1}", "{v2}"], "horizon": "{h}"},
                }
            ],
        }
    ]
}


def test_every_frame_gives_right_chats() -> None:
    shipped = [*frames("train"), *frames("heldout")]
    assert len(shipped) > 500
    for number, frame in enumerate(shipped):
        assert problems(framed(frame, Writer(Random(number)), f"frame {number}")) == []


def test_slots_are_the_values_of_the_call() -> None:
    frame = Frame.model_validate(_CHAT)
    chat = framed(frame, Writer(Random(3)), "chat")
    (call,) = chat.turns[0].calls
    first = str(call.arguments["volumes_cm3"][0]).replace(".", ",")
    assert f": {first} then " in chat.turns[0].user
    assert call.arguments["horizon"] in range(2, 7)
    assert chat.category == "single"


def test_another_value_of_the_same_kind_differs() -> None:
    turn = {"user": "{sbp} {sbp_2} {sbp_3}", "calls": [], "kind": "thanks"}
    for seed in range(30):
        chat = framed(Frame.model_validate({"turns": [turn]}), Writer(Random(seed)), "chat")
        assert len(set(chat.turns[0].user.split())) == 3


def test_an_unknown_slot_is_an_error() -> None:
    turn = {"user": "{shoe} size", "calls": [], "kind": "thanks"}
    with pytest.raises(ConsiliumError, match=r"no slot \{shoe\}"):
        framed(Frame.model_validate({"turns": [turn]}), Writer(Random(1)), "chat")


def test_an_unknown_form_is_an_error() -> None:
    turn = {"user": "{age:word} years", "calls": [], "kind": "thanks"}
    with pytest.raises(ConsiliumError, match="no form word"):
        framed(Frame.model_validate({"turns": [turn]}), Writer(Random(1)), "chat")


def test_a_line_that_is_no_frame_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps(_CHAT) + '\n{"turns": [{"user": "x"}]}\n')
    with pytest.raises(ConsiliumError, match=r"mine.jsonl, line 2: turns.0.calls"):
        list(read_lines(file, Frame))
