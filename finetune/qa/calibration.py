"""A temperature and one offset a label, fitted on questions that the models did not learn from.

A small model leans to some labels whatever is asked; with few questions that lean is its largest error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

_PENALTY = 0.01  # on the offsets, squared: none where the data do not ask for one


@dataclass(frozen=True)
class Calibration:
    """Applied as logits * scale + offsets."""

    scale: float
    offsets: tuple[float, ...]

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Calibrated probabilities, same shape (questions, options)."""
        width = logits.shape[1]
        offsets = torch.zeros(width)
        offsets[: len(self.offsets)] = torch.tensor(self.offsets[:width])
        return (logits * self.scale + offsets).softmax(dim=1)

    def choice(self, scores: Sequence[float]) -> int:
        """The option of one question that is likeliest after calibration."""
        return int(self.probabilities(torch.tensor([list(scores)])).argmax())


def fit(logits: torch.Tensor, answers: Sequence[int]) -> Calibration:
    """The calibration of least cross-entropy.

    Parameters
    ----------
    logits : shape (questions, options), of models that never saw these questions; -1e4 for an option that one lacks.
    """
    log_scale = torch.zeros((), requires_grad=True)
    offsets = torch.zeros(logits.shape[1], requires_grad=True)
    truth = torch.tensor(list(answers))
    optimizer = torch.optim.LBFGS([log_scale, offsets], max_iter=200)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        scaled = logits * log_scale.exp() + offsets
        value = torch.nn.functional.cross_entropy(scaled, truth) + _PENALTY * offsets.pow(2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    found = [round(float(value), 4) for value in offsets.detach()]
    return Calibration(round(float(log_scale.detach().exp()), 4), tuple(found))
