"""The quick GRU for training computes what `torch.nn.GRU` does, within bfloat16."""

import pytest
import torch
from torch import nn

from consilium.tools.molecules import recurrence


@pytest.mark.parametrize("with_start", [True, False])
def test_states_and_slopes_are_those_of_the_plain_layer(monkeypatch, with_start):
    # Compiling takes half a minute and a C++ compiler; what is compiled is the same functions.
    monkeypatch.setattr(recurrence, "_compiled_forward", recurrence._forward)
    monkeypatch.setattr(recurrence, "_compiled_backward", recurrence._backward)
    torch.manual_seed(0)
    layer, inputs = nn.GRU(20, 64), torch.randn(7, 5, 20, requires_grad=True)
    start = torch.randn(1, 5, 64, requires_grad=True) if with_start else None
    learned = [*layer.parameters(), inputs, *([start] if with_start else [])]

    def slopes(states):
        # Slopes of every step, as a loss over all steps gives.
        return torch.autograd.grad((states * torch.linspace(-1, 1, 64)).sum(), learned)

    plain, quick = layer(inputs, start)[0], recurrence.run(layer, inputs, start)
    assert quick.dtype == torch.float32
    assert (plain - quick).abs().max() < 0.02
    for expected, found in zip(slopes(plain), slopes(quick), strict=True):
        assert (expected - found).norm() < 0.02 * expected.norm()
