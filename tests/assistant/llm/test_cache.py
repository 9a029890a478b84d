"""Models with sliding windows decode as transformers does itself; recurrent ones are refused. All tiny and random."""

from collections.abc import Callable
from pathlib import Path
from string import ascii_letters
from typing import Any

import pytest
import torch
import xgrammar as xgr
from tiny import SIZES, saved
from transformers import (
    FalconH1Config,
    FalconH1ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
)

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.llm.local import LocalModel, Usage

_WINDOW = 16
_SAYABLE = {*ascii_letters, *" .,?"}


def _gemma() -> tuple[Any, Any]:
    types = ["sliding_attention", "full_attention", "sliding_attention"]
    return Gemma3ForCausalLM, Gemma3TextConfig(
        **SIZES, sliding_window=_WINDOW, layer_types=types, query_pre_attn_scalar=16
    )


def _mistral() -> tuple[Any, Any]:
    return MistralForCausalLM, MistralConfig(**SIZES, sliding_window=_WINDOW)


def _llama() -> tuple[Any, Any]:
    return LlamaForCausalLM, LlamaConfig(**SIZES)


def _plain(local: LocalModel, chat: list[int], length: int) -> str:
    """What transformers makes of it, with a cache of its own."""
    prompt = torch.tensor([[*local.prefix, *chat]])
    silent = [i for i in range(local.model.config.vocab_size) if not _says(local, i)]
    out = local.model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        do_sample=False,
        max_new_tokens=length,
        suppress_tokens=silent,
    )
    text: str = local.tokenizer.decode(out[0, prompt.shape[1] :], skip_special_tokens=True)
    return text


def _says(local: LocalModel, token: int) -> bool:
    return token == local.tokenizer.eos_token_id or local.tokenizer.decode([token]) in _SAYABLE


@pytest.mark.parametrize("kind", [_gemma, _mistral, _llama])
def test_several_turns_read_as_transformers_has_them(
    kind: Callable[[], tuple[Any, Any]], tmp_path: Path, one_thread: None
) -> None:
    local = LocalModel.load(saved(tmp_path, *kind()), [], device="cpu")
    grammar = xgr.Grammar.from_ebnf("root ::= [a-zA-Z .,?]*")
    chat: list[int] = []
    for said in ("What does the film show?", "And now?", "Again: what does the film show?"):
        chat += local.tokens(f"{said}\n")
        local.decide(chat, ["call", "answer"], Usage())
        text = "".join(local.complete(chat, grammar, max_new_tokens=40, usage=Usage()))
        assert text == _plain(local, chat, 40)
        assert len(text) > _WINDOW
        chat += local.tokens(f"{text}\n")
    afresh = local.tokens("Something else.\n")  # goes back to behind the prefix
    text = "".join(local.complete(afresh, grammar, max_new_tokens=40, usage=Usage()))
    assert text == _plain(local, afresh, 40)


def test_a_recurrent_model_is_refused_with_a_sentence(tmp_path: Path) -> None:
    config = FalconH1Config(**SIZES, mamba_d_ssm=32, mamba_n_heads=2, mamba_d_head=16)
    folder = saved(tmp_path, FalconH1ForCausalLM, config)
    with pytest.raises(ConsiliumError, match="set backend to openai"):
        LocalModel.load(folder, [], device="cpu")
