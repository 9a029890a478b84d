"""What others reached on this benchmark.

Normalised errors in %, mean and standard deviation over five runs: tables 9 to 11 (updated) in the README of the
code of Melnychuk et al., "Causal Transformer for Estimating Counterfactual Outcomes", ICML 2022.
"""

import json
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

Setting = Literal["one_step", "random_trajectories", "sliding_treatment"]


class Published(NamedTuple):
    """One model's figure."""

    model: str
    mean: float
    sd: float


def published(setting: Setting, ahead: int, gamma: float) -> list[Published]:
    """Every published figure for so many steps ahead at this confounding, the best first.

    Empty for a confounding that nobody published.
    """
    if gamma not in range(5):
        return []
    rows = _read()[setting][str(ahead)]
    figures = [Published(model, *values[int(gamma)]) for model, values in rows.items()]
    return sorted(figures, key=lambda figure: figure.mean)


@cache
def _read() -> dict[str, dict[str, dict[str, list[tuple[float, float]]]]]:
    text = Path(__file__).with_name("published.json").read_text(encoding="utf-8")
    tables: dict[str, dict[str, dict[str, list[tuple[float, float]]]]] = json.loads(text)
    return tables
