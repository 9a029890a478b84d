"""Whether a molecule stands in the training set, from a Bloom filter of 2.9 MB instead of the set.

"Not in the set" is certain; "in the set" is wrong for one in a thousand molecules (Bloom 1970,
Commun. ACM 13, 422). Stereochemistry is left out, as the training set has none.

`python -m consilium.tools.molecules.novelty TRAIN` makes the filter.
"""

import hashlib
import math
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from rdkit import Chem, rdBase
from safetensors import SafetensorError
from safetensors.numpy import load, save
from tqdm import tqdm

from consilium.tools.contract import ToolError

WEIGHTS = Path(__file__).parent / "weights"
CARD_FILE, FILTER_FILE = "known.json", "known.safetensors"
_TENSOR = "bits"
_MISTAKEN = 0.001  # share of new molecules that are taken for known ones
_CHUNK = 50_000


class FilterCard(BaseModel):
    """What the filter was made from; it is refused if its hash differs."""

    model_config = ConfigDict(frozen=True)

    description: str
    data: str
    data_sha256: str
    molecules: int
    mistaken_as_known: float
    hashes: int
    command: str
    date: str
    filter_sha256: str


class TrainingMolecules:
    """The molecules of the training set, by membership only.

    Parameters
    ----------
    bits : the filter, as bytes.
    hashes : positions that each molecule sets.
    """

    def __init__(self, bits: NDArray[np.uint8], hashes: int) -> None:
        self._bits = bits
        self._hashes = hashes

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> "TrainingMolecules":
        """Read the filter that ships with the specialist.

        Raises
        ------
        ToolError
            If it is missing or not the one of its card.
        """
        try:
            card = FilterCard.model_validate_json((folder / CARD_FILE).read_text(encoding="utf-8"))
            content = (folder / FILTER_FILE).read_bytes()
            if hashlib.sha256(content).hexdigest() != card.filter_sha256:
                raise ToolError(
                    "The list of the generator's training molecules is damaged: install Consilium"
                    " again."
                )
            return cls(load(content)[_TENSOR], card.hashes)
        except (OSError, ValidationError, SafetensorError, KeyError):
            raise ToolError(
                "The list of the generator's training molecules is missing: install Consilium again."
            ) from None

    @classmethod
    def of(cls, smiles: Iterable[str], count: int) -> "TrainingMolecules":
        """Build the filter for `count` canonical SMILES."""
        size = math.ceil(-count * math.log(_MISTAKEN) / math.log(2) ** 2 / 8)
        hashes = round(8 * size / count * math.log(2))
        known = cls(np.zeros(size, np.uint8), hashes)
        chunk: list[str] = []
        for text in smiles:
            chunk.append(text)
            if len(chunk) == _CHUNK:
                known._add(chunk)
                chunk = []
        known._add(chunk)
        return known

    def __contains__(self, mol: Chem.Mol) -> bool:
        places = self._places([plain_smiles(mol)])
        return bool(np.all(self._bits[places >> 3] >> (places & 7) & 1))

    def to_bytes(self) -> bytes:
        """Return the filter as a safetensors file."""
        return save({_TENSOR: self._bits})

    @property
    def hashes(self) -> int:
        """Positions that each molecule sets."""
        return self._hashes

    def _add(self, smiles: list[str]) -> None:
        if smiles:
            places = self._places(smiles).ravel()
            np.bitwise_or.at(self._bits, places >> 3, (1 << (places & 7)).astype(np.uint8))

    def _places(self, smiles: list[str]) -> NDArray[np.int64]:
        """Positions (n, hashes) by double hashing (Kirsch and Mitzenmacher 2006)."""
        digests = b"".join(
            hashlib.blake2b(text.encode(), digest_size=16).digest() for text in smiles
        )
        pairs = np.frombuffer(digests, "<u8").reshape(-1, 2)
        steps = np.arange(self._hashes, dtype=np.uint64)
        mixed = pairs[:, :1] + steps * (pairs[:, 1:] | np.uint64(1))  # wraps around, as meant
        return (mixed % np.uint64(8 * len(self._bits))).astype(np.int64)


def plain_smiles(mol: Chem.Mol) -> str:
    """Canonical SMILES without stereochemistry and isotopes."""
    return Chem.MolToSmiles(mol, isomericSmiles=False)


def main(
    train: Annotated[
        Path, typer.Argument(help="The training molecules, one SMILES a line or CSV.")
    ],
    weights: Annotated[Path, typer.Option(help="Where the filter and its card go.")] = WEIGHTS,
) -> None:
    """Make the filter of the training molecules."""
    from consilium.tools.molecules.data import read_smiles, sha256  # slow to import

    smiles = read_smiles(train)
    known = TrainingMolecules.of(_canonical(smiles), len(smiles))
    content = known.to_bytes()
    card = FilterCard(
        description="Bloom filter of the molecules that the generator was trained on.",
        data="MOSES train split, Polykovskiy et al. (2020), Front. Pharmacol. 11, 565644",
        data_sha256=sha256(train),
        molecules=len(smiles),
        mistaken_as_known=_MISTAKEN,
        hashes=known.hashes,
        command=f"python -m consilium.tools.molecules.novelty {train.name}",
        date=date.today().isoformat(),
        filter_sha256=hashlib.sha256(content).hexdigest(),
    )
    weights.mkdir(parents=True, exist_ok=True)
    (weights / FILTER_FILE).write_bytes(content)
    (weights / CARD_FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    typer.echo(f"{len(smiles):,} molecules in {len(content) / 1e6:.1f} MB.")


def _canonical(smiles: list[str]) -> Iterable[str]:
    with rdBase.BlockLogs():
        for text in tqdm(smiles, "training molecules"):
            mol = Chem.MolFromSmiles(text)
            if mol is None:
                raise ToolError(f"The training file holds a broken SMILES: {text[:60]}.")
            yield plain_smiles(mol)


if __name__ == "__main__":
    typer.run(main)
