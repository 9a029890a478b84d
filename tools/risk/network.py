"""The survival network: an ensemble of small monotone networks over one proportional-hazards head.

Each member gives the log relative hazard of a person and a baseline hazard for each year up to `YEARS`; the risk to
a horizon is 1 - exp(-baseline x relative hazard). It is the hazard of the subdistribution (Fine & Gray, JASA
1999;94:496): someone who died of another cause stays at risk, so the risk is that of dying of the one cause in a
world where the others exist, and it rises with the relative hazard.

Monotone by construction: an input with a direction enters with that sign through weights kept positive by softplus,
here and in the layer above; tanh rises; inputs without a direction are unconstrained.
"""

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from consilium.tools.risk.features import DIRECTION, FEATURES

YEARS = 10


class NetworkConfig(BaseModel):
    """Size of the ensemble."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    members: int = Field(ge=30)  # so that everyone is a stranger to some of them
    hidden: int


class SurvivalEnsemble(nn.Module):
    """`members` networks side by side, each with one hidden layer and a linear way past it."""

    center: Tensor
    scale: Tensor
    low: Tensor
    high: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        members, hidden = config.members, config.hidden
        directed = len(DIRECTION)
        free = len(FEATURES) - directed
        self.directed_in = nn.Parameter(torch.randn(members, hidden, directed) * 0.5 - 2)
        self.free_in = nn.Parameter(torch.randn(members, hidden, free) * 0.3)
        self.offset = nn.Parameter(torch.randn(members, hidden, 1))
        self.out = nn.Parameter(torch.randn(members, 1, hidden) * 0.1 - 2)
        self.directed_past = nn.Parameter(torch.full((members, 1, directed), -2.0))
        self.free_past = nn.Parameter(torch.zeros(members, 1, free))
        self.log_baseline = nn.Parameter(torch.full((members, YEARS), -6.5))
        for name in ("center", "scale", "low", "high"):
            self.register_buffer(name, torch.zeros(len(FEATURES)))

    def forward(self, rows: Tensor) -> Tensor:
        """Log relative hazard, shape (members, people), of (people, features) rows without gaps."""
        x = (rows.clamp(self.low, self.high) - self.center) / self.scale
        names = enumerate(FEATURES)
        directed = torch.stack([x[:, i] * DIRECTION[n] for i, n in names if n in DIRECTION])
        free = torch.stack([x[:, i] for i, n in enumerate(FEATURES) if n not in DIRECTION])
        hidden = functional.softplus(self.directed_in) @ directed + self.free_in @ free
        bent = functional.softplus(self.out) @ torch.tanh(hidden + self.offset)
        straight = functional.softplus(self.directed_past) @ directed + self.free_past @ free
        return (bent + straight)[:, 0]

    def risk(self, rows: Tensor, years: float = YEARS) -> Tensor:
        """Risk within `years` (up to `YEARS`), shape (members, people)."""
        baseline = self.log_baseline.exp() @ exposure(torch.tensor([float(years)])).T
        risk: Tensor = -torch.expm1(-baseline * self(rows).exp())
        return risk

    def penalty(self) -> tuple[Tensor, Tensor]:
        """Squared size of the output weights and of all input weights, summed over the members."""
        out = functional.softplus(self.out).square().sum()
        directed = (self.directed_in, self.directed_past)
        free = self.free_in.square().sum() + self.free_past.square().sum()
        return out, free + sum(
            (functional.softplus(w).square().sum() for w in directed), torch.zeros(())
        )


def exposure(years: Tensor) -> Tensor:
    """Time spent in each year of follow-up, shape (people, YEARS)."""
    return (years[:, None] - torch.arange(YEARS)).clamp(0, 1)


def loss(network: SurvivalEnsemble, relative: Tensor, years: Tensor, died: Tensor) -> Tensor:
    """Negative log-likelihood of a piecewise constant hazard, shape (members, people).

    Parameters
    ----------
    relative : (members, people) log relative hazard, as `network` gives it.
    years : (people,) time at risk, above 0; whoever died of another cause stays at risk.
    died : (people,) 1 where the time ended with the death in question.
    """
    cumulative = network.log_baseline.exp() @ exposure(years).T
    year = (years.ceil().long() - 1).clamp(0, YEARS - 1)
    events = died * (network.log_baseline[:, year] + relative)
    return cumulative * relative.exp() - events
