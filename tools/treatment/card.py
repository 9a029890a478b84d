"""The model card beside the weights: what the network is, what it was made from, how good it is."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from consilium.tools.treatment.evaluate import Report
from consilium.tools.treatment.published import Setting
from consilium.tools.treatment.recipe import Recipe
from consilium.tools.weights import read_card

WEIGHTS = Path(__file__).parent / "weights"
CARD_FILE, WEIGHTS_FILE = "card.json", "treatment.safetensors"
OF = "the treatment model"  # in the words of errors


class TableRow(BaseModel):
    """What trainings in the benchmark's own protocol reached at one confounding and one distance.

    Parameters
    ----------
    ahead : steps ahead.
    seeds : of the benchmark, one training each.
    mean, sd : normalised error over the seeds, %.
    oracle : mean of the oracle's error, %.
    best, best_mean, best_sd : the published model that was best, and its figures.
    """

    model_config = ConfigDict(frozen=True)

    gamma: float
    setting: Setting
    ahead: int
    seeds: list[int]
    mean: float
    sd: float
    oracle: float
    best: str
    best_mean: float
    best_sd: float


class Card(BaseModel):
    """Everything a user of the weights should know, and what is needed to load them.

    Parameters
    ----------
    data_sha256 : hash of the simulated or imported courses it was trained on.
    figures : what the shipped weights reach on the benchmark's test sets, a report for each confounding.
    table : what trainings in the benchmark's own protocol reach; other weights than these.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    date: str
    description: str
    intended_use: str
    limits: list[str]
    data: str
    data_sha256: str
    train_patients: int
    val_patients: int
    command: str
    recipe: Recipe
    weights_sha256: str
    parameters: int
    population: dict[str, float]
    figures: list[Report] = []
    table_command: str = ""
    table: list[TableRow] = []

    def save(self, folder: Path) -> None:
        """Write the card into the folder of the weights."""
        text = self.model_dump_json(indent=1) + "\n"
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
