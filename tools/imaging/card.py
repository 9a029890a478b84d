"""The model card beside the weights: what it is, what it was made from, how good it is."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from consilium.tools.imaging.calibration import Calibration
from consilium.tools.imaging.fit import FitConfig

WEIGHTS = Path(__file__).parent / "weights"
ADULT_FIGURES = "nih test"
CARD_FILE, WEIGHTS_FILE = "card.json", "film.safetensors"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Figure(_Part):
    """A measured value with its 95 % interval over resampled patients."""

    value: float
    low: float
    high: float


class Figures(_Part):
    """What was measured on one set of films; each figure by its name."""

    films: int
    pneumonias: int
    patients: int
    abstained: float
    reader: dict[str, Figure]
    baseline: dict[str, Figure]


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
    """Everything a user of the weights should know, and what the reader needs to load them."""

    name: str
    version: str
    date: str
    description: str
    intended_use: str
    limits: list[str]
    data: list[Collection]
    command: str
    config: FitConfig
    weights_sha256: str
    parameters: int
    calibration: Calibration
    novelty_threshold: float
    figures: dict[str, Figures]

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
        OSError, ValueError
            If it is missing or not a card.
        """
        return cls.model_validate_json((folder / CARD_FILE).read_text(encoding="utf-8"))
