"""The local model as a chat model, with a tiny random one."""

from pathlib import Path

import pytest
from tiny import SIZES, saved
from transformers import LlamaConfig, LlamaForCausalLM

from consilium.assistant.llm.chat import LocalChatModel, human_message
from consilium.assistant.llm.local import LocalModel


@pytest.mark.parametrize("limit", [16, 1000])
def test_an_answer_at_the_token_limit_says_so(limit: int, tmp_path: Path) -> None:
    local = LocalModel.load(saved(tmp_path, LlamaForCausalLM, LlamaConfig(**SIZES)), [])
    if limit == 1000:  # the end mark, token 0, comes first
        local.model.lm_head.weight.data.zero_()
    reply = LocalChatModel(local=local, max_answer_tokens=limit).invoke([human_message("Hello")])
    cut = reply.response_metadata.get("finish_reason") == "length"
    assert cut == (limit == 16)
