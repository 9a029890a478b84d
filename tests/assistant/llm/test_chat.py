"""The local model as a chat model, with a tiny random one or one that says what it is told to."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from tiny import SIZES, saved
from transformers import LlamaConfig, LlamaForCausalLM

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.llm.chat import LocalChatModel, human_message
from consilium.assistant.llm.local import LocalModel, Usage
from consilium.tools.registry import TOOLS


@pytest.mark.parametrize("limit", [16, 1000])
def test_an_answer_at_the_token_limit_says_so(limit: int, tmp_path: Path) -> None:
    local = LocalModel.load(saved(tmp_path, LlamaForCausalLM, LlamaConfig(**SIZES)), [])
    if limit == 1000:  # the end mark, token 0, comes first
        local.model.lm_head.weight.data.zero_()
    reply = LocalChatModel(local=local, max_answer_tokens=limit).invoke([human_message("Hello")])
    cut = reply.response_metadata.get("finish_reason") == "length"
    assert cut == (limit == 16)


class Calling:
    """Stands for a local model with a token for each character, which says a text up to its limit."""

    prefix = ()
    specs = list(TOOLS.values())
    tokenizer = SimpleNamespace(
        apply_chat_template=lambda messages, **_: "".join(m["content"] for m in messages)
    )

    def __init__(self, text: str, context_length: int = 100_000) -> None:
        self.text = text
        self.context_length = context_length
        self.chat = ""

    def tokens(self, text: str) -> list[str]:
        return list(text)

    def decide(self, *_: Any) -> dict[str, float]:
        return {"call": 1.0, "answer": 0.0}

    def complete(
        self, chat: list[str], _: Any, *, max_new_tokens: int, usage: Usage, stop: Any
    ) -> Iterator[str]:
        assert len(chat) + max_new_tokens <= self.context_length
        self.chat = "".join(chat)
        usage.new_tokens = min(len(self.text), max_new_tokens)
        yield self.text[:max_new_tokens]


def _similar(query: str) -> str:
    return f'{{"name":"find_similar_cases","arguments":{{"query":"{query}","k":5}}}}'


def _reply(local: Calling, *said: str) -> AIMessage:
    standing_in: Any = local
    model = LocalChatModel.model_construct(
        local=standing_in, max_answer_tokens=200, stop_event=None
    )
    return model.invoke([human_message(text) for text in said])


_CASE = "fever " * 200


def test_a_call_may_quote_a_long_message() -> None:
    reply = _reply(Calling(f"[{_similar(_CASE)}]"), _CASE)
    assert reply.tool_calls[0]["args"]["query"] == _CASE


def test_of_calls_that_were_cut_the_whole_ones_are_kept() -> None:
    reply = _reply(Calling(f"[{_similar('gout')},{_similar('x' * 900)}]"), "gout")
    assert [call["args"]["query"] for call in reply.tool_calls] == ["gout"]
    assert reply.response_metadata["calls_cut"]
    whole = _reply(Calling(f"[{_similar('gout')}]"), "gout")
    assert "calls_cut" not in whole.response_metadata


def test_a_call_that_was_cut_says_that_the_message_is_too_long() -> None:
    with pytest.raises(ConsiliumError, match="too long"):
        _reply(Calling(f"[{_similar('x' * 900)}]"), "gout")


def test_earlier_turns_make_room_for_a_quote_but_no_message_is_refused_for_it() -> None:
    crowded = Calling(f"[{_similar(_CASE)}]", 2 * len(_CASE) + 700)
    assert _reply(crowded, "earlier " * 20, _CASE).tool_calls
    assert "earlier" not in crowded.chat
    tight = Calling(f"[{_similar('gout')}]", len(_CASE) + 700)
    assert _reply(tight, _CASE).tool_calls
