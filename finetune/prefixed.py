"""A model whose examples all follow one constant prefix, and which returns its own loss.

The loss is inside `forward`, because DDP and FSDP synchronise processes only for what runs there.
"""

from types import MethodType
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import DynamicCache, PreTrainedTokenizerBase

from consilium.assistant.llm import template
from consilium.finetune.examples import IGNORED
from consilium.finetune.quick import sampled_losses
from consilium.tools.registry import TOOLS


def prefix_ids(tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """Token ids of system prompt and tool signatures, (1, length)."""
    text = template.render(tokenizer, [template.system_message(TOOLS.values())])
    ids: Tensor = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
    return ids


def prefix_cache(model: Any, ids: Tensor) -> DynamicCache:
    """Keys and values of the prefix as `model` reads it now, for a batch of one."""
    cache = DynamicCache(config=model.config)
    with torch.no_grad():
        model(ids.to(model.device), past_key_values=cache)
    return cache


def call_ends(tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """Ids of the tokens that close a call: which of them it is says whether another call follows."""
    return torch.tensor([i for token, i in tokenizer.get_vocab().items() if set(token) == {"}"}])


def learn_after(
    model: Any,
    prefix: DynamicCache | Tensor,
    *,
    decision_weight: float,
    sampled: bool,
    ends: Tensor | None = None,
) -> None:
    """Change a PEFT model in place: its forward pass takes a batch of chats and returns the loss.

    Parameters
    ----------
    prefix : a cache, shared by all examples, or token ids (1, length) that are read anew with each.
    decision_weight : weight of a reply's first token (call or answer) and of those in `ends`; all others weigh 1.
    ends : token ids; see `call_ends`.
    sampled : estimate the loss on a part of the vocabulary (`quick.sampled_losses`).

    Notes
    -----
    The new forward takes `input_ids`, `attention_mask` and `labels`, (batch, longest), and returns a dict: `loss`,
    the weighted mean cross-entropy (nats) of the assistant's tokens; `weight`, the sum of the weights; and outside
    of training `right`, (batch, longest - 1), where the most probable token is the label or nothing was to be said.
    """

    def forward(
        self: Any, input_ids: Tensor, attention_mask: Tensor, labels: Tensor, **_: Any
    ) -> dict[str, Tensor]:
        causal = self.get_base_model()
        hidden = _hidden(causal.model, prefix, input_ids, attention_mask)[:, :-1]
        targets = labels[:, 1:]
        wanted = targets != IGNORED
        first = wanted & (labels[:, :-1] == IGNORED)
        decisive = first if ends is None else first | torch.isin(targets, ends.to(targets.device))
        weights = 1 + decisive[wanted] * (decision_weight - 1)
        spoken, head = hidden[wanted], causal.lm_head.weight
        if self.training and sampled:
            losses = sampled_losses(spoken, head, targets[wanted], input_ids)
            return {"loss": (weights * losses).sum() / weights.sum(), "weight": weights.sum()}
        # called as a module, for FSDP gathers the weights of what is called
        logits = causal.lm_head(spoken.to(head.dtype)).float()
        losses = cross_entropy(logits, targets[wanted], reduction="none")
        out = {"loss": (weights * losses).sum() / weights.sum(), "weight": weights.sum()}
        if not self.training:
            right = ~wanted
            right[wanted] = logits.argmax(-1) == targets[wanted]
            out["right"] = right
        return out

    model.forward = MethodType(forward, model)


def _hidden(trunk: Any, prefix: DynamicCache | Tensor, ids: Tensor, mask: Tensor) -> Tensor:
    """Last hidden states of the chat alone, (batch, longest, width)."""
    size = len(ids)
    if isinstance(prefix, Tensor):
        before = prefix.to(ids.device).expand(size, -1)
        whole = torch.cat([before, ids], dim=1)
        seen = torch.cat([mask.new_ones(before.shape), mask], dim=1)
        hidden: Tensor = trunk(input_ids=whole, attention_mask=seen).last_hidden_state
        return hidden[:, before.shape[1] :]
    cache = DynamicCache()
    layers: list[Any] = list(prefix.layers)
    for index, layer in enumerate(layers):
        keys, values = (
            part.to(ids.device).expand(size, -1, -1, -1) for part in (layer.keys, layer.values)
        )
        cache.update(keys, values, index)
    seen = torch.cat([mask.new_ones(size, prefix.get_seq_length()), mask], dim=1)
    new: Tensor = trunk(input_ids=ids, attention_mask=seen, past_key_values=cache).last_hidden_state
    return new
