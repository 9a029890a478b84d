"""The model card beside the weights: what it is, what it was made from, how good it is."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from consilium.tools import weights
from consilium.tools.imaging.calibration import Calibration
from consilium.tools.imaging.recipe import TrainConfig

WEIGHTS = Path(__file__).parent / "weights"
THUMBNAIL_WEIGHTS = WEIGHTS / "pneumoniamnist"
ADULT_FIGURES = "nih test"
OF = "the film reader"
CARD_FILE, WEIGHTS_FILE = "card.json", "film.safetensors"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Figure(_Part):
    """A measured value with its 95 % interval over resampled patients."""

    value: float
    low: float
    high: float


class Figures(_Part):
    """What was measured on one set of films; each figure by its name.

    Parameters
    ----------
    abstained : share that the reader finds too unlike its training films; they are measured like the others.
    """

    films: int
    pneumonias: int
    patients: int
    abstained: float
    reader: dict[str, Figure]
    baseline: dict[str, Figure]


class Heatmaps(_Part):
    """How much of the heatmaps' energy lies in the boxes that radiologists drew around pneumonias.

    Parameters
    ----------
    films : with a box; `unseen` of them are of patients that were not trained on.
    inside, inside_unseen : share of the energy inside the boxes, 0 to 1.
    chance, chance_unseen : the boxes' share of the films' area.
    centre, centre_unseen : what a fixed bump in the middle of every film would reach.
    randomised : what the same networks with random weights reach.
    likeness : rank correlation of the heatmaps with those of random weights; near 0 where the map shows
        what was learned and not the film's edges.
    """

    films: int
    unseen: int
    inside: Figure
    inside_unseen: Figure
    chance: float
    chance_unseen: float
    centre: float
    centre_unseen: float
    randomised: float
    likeness: float


class Collection(_Part):
    """A data set that the model was made from; splits count films."""

    name: str
    source: str
    licence: str
    labels_sha256: str
    train: int
    val: int
    test: int


class Card(_Part):
    """Everything a user of the weights should know, and what the reader needs to load them.

    Parameters
    ----------
    finalists : every other model that was measured on the test films, with its figures.
    calibration : by collection, in the order of their names.
    confounds : AUC on the adult test films of what is not the disease, and without it.
    """

    name: str
    version: str
    date: str
    description: str
    intended_use: str
    limits: list[str]
    data: list[Collection]
    command: str
    finalists: list[str] = []
    config: TrainConfig
    weights_sha256: str
    parameters: int
    calibration: dict[str, Calibration]
    novelty_threshold: float
    figures: dict[str, Figures]
    confounds: dict[str, Figure] = {}
    heatmaps: Heatmaps | None = None

    @property
    def adult_auc(self) -> float:
        """AUC on held-out adult films."""
        return self.figures[ADULT_FIGURES].reader["auc"].value

    def save(self, folder: Path) -> None:
        """Write the card into the folder of the weights."""
        text = self.model_dump_json(indent=2) + "\n"
        (folder / CARD_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Card":
        """Read the card beside the weights.

        Raises
        ------
        ToolError
            If it is missing or not a card.
        """
        return weights.read_card(folder / CARD_FILE, cls, OF)
