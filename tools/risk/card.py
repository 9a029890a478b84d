"""The model card beside the weights (after TRIPOD+AI): what it is, what it was made from, how good it is."""

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from consilium.tools.risk.recipe import FitConfig
from consilium.tools.weights import read_card

WEIGHTS = Path(__file__).parent / "weights"
CARD_FILE, WEIGHTS_FILE = "card.json", "risk.safetensors"
OF = "the risk model"  # in the words of errors

_FIGURE = re.compile(r'\{\s*"value":[^{}]*\}')


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Figure(_Part):
    """A measured value with its 95 % bootstrap interval over people."""

    value: float
    low: float
    high: float


class Group(_Part):
    """What was measured on one group of people: for each predictor its figures by name."""

    people: int
    events: int
    figures: dict[str, dict[str, Figure]]


class Evaluation(_Part):
    """Every figure of one cohort.

    Parameters
    ----------
    cohort, endpoint, horizon : whose outcome, in words; years.
    people, events : those measured, and those of them with the event within the horizon.
    left_out : why people of the file were not measured, and how many.
    notes : how to read the figures.
    differences : each predictor's figures minus the learned model's, on everyone measured.
    groups : by name; "everyone" first.
    """

    cohort: str
    endpoint: str
    horizon: float
    people: int
    events: int
    left_out: dict[str, int]
    notes: list[str]
    groups: dict[str, Group]
    differences: dict[str, dict[str, Figure]]


class Data(_Part):
    """The people learned from."""

    source: str
    licence: str
    sha256: str
    people: int
    events: int
    ranges: dict[str, tuple[float, float]]


class Card(_Part):
    """Everything a user of the weights should know, and what the model needs to load them."""

    name: str
    version: str
    date: str
    description: str
    outcome: str
    intended_use: str
    limits: list[str]
    data: Data
    command: str
    config: FitConfig
    weights_sha256: str
    parameters: int
    evaluations: dict[str, Evaluation]

    def save(self, folder: Path) -> None:
        """Write the card into the folder of the weights."""
        text = _FIGURE.sub(_on_one_line, self.model_dump_json(indent=1)) + "\n"
        (folder / CARD_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Card":
        """Read the card beside the weights.

        Raises
        ------
        ToolError
            If it is missing or not a card.
        """
        return read_card(folder / CARD_FILE, cls, OF)


def _on_one_line(figure: re.Match[str]) -> str:
    return " ".join(figure.group().split())
