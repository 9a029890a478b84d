"""The model card beside the weights: what it is, what it was made from, how good it is."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from consilium.tools.molecules.decoder import DecoderConfig
from consilium.tools.molecules.fit_decoder import FitDecoderConfig
from consilium.tools.molecules.fit_gan import FitGanConfig
from consilium.tools.molecules.gan import GanConfig
from consilium.tools.weights import read_card

WEIGHTS = Path(__file__).parent / "weights"
CARD_FILE, WEIGHTS_FILE, VOCABULARY_FILE = "card.json", "molecules.safetensors", "vocabulary.json"
OF = "the molecule generator"  # in the words of errors


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainConfig(_Part):
    """One YAML: everything a run is made from, but the data."""

    seed: int
    pieces: int
    learn_from: int
    network: DecoderConfig
    decoder: FitDecoderConfig
    adversaries: GanConfig
    gan: FitGanConfig
    sampling_noise: float
    sampling_temperature: float


class Figure(_Part):
    """A measured value with its 95 % interval over resampled molecules, where one was taken."""

    value: float
    low: float | None = None
    high: float | None = None


class Figures(_Part):
    """What one command measured; each figure by its name."""

    command: str
    molecules: int
    notes: list[str] = []
    values: dict[str, Figure]


class Card(_Part):
    """Everything a user of the weights should know, and what the generator needs to load them."""

    name: str
    version: str
    date: str
    description: str
    intended_use: str
    limits: list[str]
    data_source: str
    data_licence: str
    data_sha256: str
    data_molecules: int
    command: str
    config: TrainConfig
    longest: int
    weights_sha256: str
    vocabulary_sha256: str
    parameters: int
    rebuilt: float
    figures: dict[str, Figures]

    def with_figures(self, name: str, figures: Figures) -> "Card":
        """Return the card with figures of a name put in or replaced."""
        return self.model_copy(update={"figures": {**self.figures, name: figures}})

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
        return read_card(folder / CARD_FILE, cls, OF)
