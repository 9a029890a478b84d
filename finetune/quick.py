"""Ways to train LoRA on a CPU that give the same gradients in less time.

- The adapter is added to the weight before the product, W + s B A (Hu 2021, arXiv 2106.09685, equation 3), instead of
  two products more for each token; without dropout the two are the same. The backward pass goes by the low rank and
  never makes the gradient of the whole weight.
- Attention in groups: the queries that share a key are one matrix, and the backward pass is written out.
- The loss over a part of the vocabulary: all tokens of the batch and a sample of the others, weighted so that the sum
  over the vocabulary is estimated without bias (Bengio and Senecal 2008, IEEE Trans. Neural Netw. 19:713).

In bfloat16 on a CPU with AMX these bring 1.6 times the tokens per second; in float32 they cost (.8 to .9 times), see
`benchmarks/finetune.py`.
"""

from types import MethodType
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

_NAME = "consilium_grouped"
_SAMPLED = 4096  # tokens of the vocabulary that the loss sees besides those of the batch


def precision() -> torch.dtype:
    """Bfloat16 where the hardware multiplies it fast (CUDA, AMX, AVX-512 BF16), else float32."""
    fast = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if torch.cuda.is_available() or fast else torch.float32


def make_quick(model: Any) -> None:
    """Change a PEFT model in place: adapters are added to weights, attention is grouped.

    Parameters
    ----------
    model : a PEFT model with LoRA on linear layers, without dropout. Its batches must be padded on the right.
    """
    for module in model.modules():
        if hasattr(module, "lora_A") and hasattr(module, "base_layer"):
            module.forward = MethodType(_forward, module)
    ALL_ATTENTION_FUNCTIONS.register(_NAME, _attend)
    ALL_MASK_ATTENTION_FUNCTIONS.register(_NAME, ALL_MASK_ATTENTION_FUNCTIONS["eager"])
    model.get_base_model().set_attn_implementation(_NAME)


def sampled_losses(hidden: Tensor, head: Tensor, labels: Tensor, seen: Tensor) -> Tensor:
    """Cross-entropy (nats) of each label, (n,), over a part of the vocabulary.

    Parameters
    ----------
    hidden : (n, width) last hidden states.
    head : (vocabulary, width) output weights.
    labels : (n,) token ids.
    seen : ids of the batch, any shape; labels are among them.
    """
    batch: Tensor = torch.unique(seen)
    others = torch.ones(len(head), dtype=torch.bool, device=head.device)
    others[batch] = False
    left = others.nonzero()[:, 0]
    drawn = left[torch.randperm(len(left), device=left.device)[:_SAMPLED]]
    kept = torch.cat([batch, drawn])
    logits = linear(hidden, head[kept]).float()
    weight = torch.zeros(len(kept), device=logits.device)
    if len(drawn):
        weight[len(batch) :] = torch.tensor(len(left) / len(drawn)).log()
    return cross_entropy(logits + weight, torch.searchsorted(batch, labels), reduction="none")


def _forward(self: Any, x: Tensor, *_: Any, **__: Any) -> Tensor:
    down, up = self.lora_A["default"].weight, self.lora_B["default"].weight
    out: Tensor = _Adapted.apply(  # type: ignore[no-untyped-call]
        x, self.base_layer.weight, down, up, self.scaling["default"]
    )
    return out if self.base_layer.bias is None else out + self.base_layer.bias


class _Adapted(torch.autograd.Function):
    """(..., m) times W + s B A, with W (n, m) held fast, A (rank, m) and B (n, rank)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, down: Tensor, up: Tensor, s: float) -> Tensor:
        """Return (..., n)."""
        down, up = down.to(weight.dtype), up.to(weight.dtype)
        whole = torch.addmm(weight, up, down, alpha=s)
        ctx.save_for_backward(x, whole, down, up)
        ctx.scale = s
        return linear(x, whole)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x, A and B."""
        x, whole, down, up = ctx.saved_tensors
        grad, rows = grads[0].flatten(0, -2), x.flatten(0, -2)
        of_up = ctx.scale * (grad.T @ (rows @ down.T))
        of_down = ctx.scale * ((grad @ up).T @ rows)
        of_x = (grad @ whole).view_as(x) if ctx.needs_input_grad[0] else None
        return of_x, None, of_down.float(), of_up.float(), None


class _Grouped(torch.autograd.Function):
    """Causal attention of (batch, heads, new, d) queries over (batch, groups, old + new, d) keys and values."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """Return (batch, heads, new, d)."""
        batch, heads, new, width = query.shape
        groups, length = key.shape[1:3]
        rows = (query * scale).reshape(batch * groups, -1, width)
        key, value = (x.reshape(batch * groups, length, width) for x in (key, value))
        scores = torch.bmm(rows, key.transpose(1, 2))
        later = torch.full((new, new), -torch.inf, dtype=query.dtype, device=query.device).triu(1)
        scores.view(-1, new, length)[:, :, length - new :] += later
        chances = scores.softmax(-1)
        ctx.save_for_backward(rows, key, value, chances)
        ctx.scale, ctx.shapes = scale, (query.shape, (batch, groups, length, width))
        return torch.bmm(chances, value).view(batch, heads, new, width)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of query, key and value."""
        rows, key, value, chances = ctx.saved_tensors
        of_query, of_key = ctx.shapes
        grad = grads[0].reshape(rows.shape)
        by_value = torch.bmm(chances.transpose(1, 2), grad)
        by_chance = torch.bmm(grad, value.transpose(1, 2))
        by_score = torch.ops.aten._softmax_backward_data(by_chance, chances, -1, by_chance.dtype)
        by_key = torch.bmm(by_score.transpose(1, 2), rows)
        by_query = torch.bmm(by_score, key) * ctx.scale
        return by_query.view(of_query), by_key.view(of_key), by_value.view(of_key), None


def _attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scaling: float, **_: Any
) -> tuple[Tensor, None]:
    out: Tensor = _Grouped.apply(query, key, value, scaling)  # type: ignore[no-untyped-call]
    return out.transpose(1, 2).contiguous(), None
