"""Tiny random language models with a token for each byte, for tests of the machinery around them."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.decoders import ByteLevel
from transformers import PreTrainedTokenizerFast

SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": 4096,
    "pad_token_id": 0,
}


def _tokenizer() -> PreTrainedTokenizerFast:
    """One token for each byte, and an end mark."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<|im_end|>": 0, **{byte: i for i, byte in enumerate(alphabet, start=1)}}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>")


def saved(folder: Path, kind: Any, config: Any) -> Path:
    """Folder of a new model of that kind, with its tokenizer."""
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    config.vocab_size, config.eos_token_id = len(tokenizer), tokenizer.eos_token_id
    kind(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
