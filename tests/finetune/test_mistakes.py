"""What is kept to train on next."""

from pathlib import Path
from typing import Any

import pytest

from consilium.assistant.llm.adapter import shipped_adapter
from consilium.assistant.llm.weights import ensure_embedded
from consilium.assistant.settings import load_settings
from consilium.finetune import mistakes
from consilium.finetune.own_data import read_conversations
from consilium.finetune.synthesis.example import Call, Conversation, Turn
from consilium.finetune.synthesis.generate import generate


def test_all_mistakes_and_a_share_of_the_rest_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        mistakes,
        "said_right",
        lambda _adapter, _base, chats, _longest: ((c, i % 3 > 0) for i, c in enumerate(chats)),
    )
    monkeypatch.setattr(mistakes, "ensure_embedded", lambda home: home)
    out = tmp_path / "data.jsonl"
    arguments = ["mistakes", "--conversations", "60", "--right-share", "0.5", "--out", str(out)]
    monkeypatch.setattr("sys.argv", arguments)
    mistakes.main()
    kept = [chat.turns[0].user for chat in read_conversations(out).values()]
    drawn = [chat.turns[0].user for chat in generate(60, seed=1)]
    assert set(drawn[::3]) <= set(kept) < set(drawn)
    assert 25 < len(kept) < 50


@pytest.mark.model
def test_a_chat_is_right_if_every_token_of_its_calls_is() -> None:
    said = "54 M, TC 228, HDL 38, BP 146, smoker. risk?"
    stated = {"age": 54, "sex": "male", "total_cholesterol": 228, "hdl_cholesterol": 38}
    stated |= {"systolic_bp": 146, "smoker": True}
    chats = [_chat(said, stated), _chat(said, stated | {"age": 38}), _chat("long " * 400, stated)]
    base = ensure_embedded(load_settings().home)
    read = list(mistakes.said_right(shipped_adapter(), base, chats, 400))
    assert [(chat.turns[0].calls[0].arguments["age"], right) for chat, right in read] == [
        (54, True),
        (38, False),
    ]


def _chat(said: str, arguments: dict[str, Any]) -> Conversation:
    turn = Turn(user=said, calls=[Call(name="predict_risk", arguments=arguments)], reply="")
    return Conversation(id="one", category="single", attachments=[], turns=[turn])
