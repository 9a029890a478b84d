"""The card beside the gate's weights: what it was made from, where it draws its lines, how good it is."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from consilium.tools import weights

GATE = "the gate before the film reader"
GATE_CARD_FILE, GATE_WEIGHTS_FILE = "gate_card.json", "gate.safetensors"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GateConfig(_Part):
    """One training run; see the comments in `configs/gate.yaml`."""

    seed: int
    split_seed: int
    looks: int
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    average: float
    adult_share: float
    spoiled_share: float
    drawn_each: int
    crops_each: int


class Lines(_Part):
    """Where the gate draws its lines.

    Parameters
    ----------
    refuse_below : log-odds of a chest film below which a picture is refused.
    doubt_below : log-odds below which a film is let in with a warning.
    turn_from, invert_from : probabilities from which a film is turned or inverted.
    """

    refuse_below: float
    doubt_below: float
    turn_from: float
    invert_from: float


class Share(_Part):
    """A share of n pictures with its Wilson 95 % interval; shares run from 0 to 1."""

    n: int
    count: int
    share: float
    low: float
    high: float


class GateFigures(_Part):
    """What was measured on pictures and sources that the gate did not learn from.

    Parameters
    ----------
    rejected : of out-of-scope pictures, by kind and source; "all ..." sums up.
    refused : of chest films, by site and by what was done to them.
    righted : of chest films that were turned or inverted, by site and what was done: put right.
    """

    rejected: dict[str, Share]
    refused: dict[str, Share]
    righted: dict[str, Share]


class GateCard(_Part):
    """Everything a user of the gate should know, and what it needs to be loaded."""

    name: str
    version: str
    date: str
    description: str
    intended_use: str
    limits: list[str]
    data: list[str]
    command: str
    config: GateConfig
    weights_sha256: str
    parameters: int
    lines: Lines
    figures: GateFigures

    def save(self, folder: Path) -> None:
        """Write the card into the folder of the weights."""
        text = self.model_dump_json(indent=2) + "\n"
        (folder / GATE_CARD_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "GateCard":
        """Read the card beside the weights.

        Raises
        ------
        ToolError
            If it is missing or not a card.
        """
        return weights.read_card(folder / GATE_CARD_FILE, cls, GATE)
