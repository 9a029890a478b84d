"""Molecules from files, and the training set as an array of pieces that is made once per run."""

import csv
import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import selfies
from numpy.typing import NDArray
from rdkit import Chem
from tqdm import tqdm

from consilium.tools.contract import ToolError
from consilium.tools.molecules.vocabulary import END, Vocabulary

_CHUNK = 2000
_COLUMN = "SMILES"
Pieces = NDArray[np.uint16]


@dataclass(frozen=True)
class TrainingSet:
    """Encoded molecules.

    Parameters
    ----------
    pieces : (n, longest) piece numbers, padded with END.
    """

    vocabulary: Vocabulary
    pieces: Pieces

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Pieces per molecule, (n,)."""
        return np.asarray(np.count_nonzero(self.pieces != END, axis=1))


def read_smiles(path: Path) -> list[str]:
    """Read SMILES from a CSV with a column SMILES or from the first word of each line; .gz or not.

    Raises
    ------
    ToolError
        If the file cannot be read or holds no molecule.
    """
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8", newline="") as lines:
            found = list(_smiles(path, lines))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise ToolError(f"The file {path.name} cannot be read as molecules: {error}.") from None
    if not found:
        raise ToolError(f"The file {path.name} holds no molecules.")
    return found


def _smiles(path: Path, lines: Iterable[str]) -> Iterator[str]:
    if ".csv" not in path.suffixes:
        yield from (line.split()[0] for line in lines if line.strip())
        return
    rows = csv.DictReader(lines)
    names = {name.strip().upper(): name for name in rows.fieldnames or []}
    if _COLUMN not in names:
        raise ToolError(f"The file {path.name} has no column SMILES.")
    yield from (row[names[_COLUMN]] for row in rows if row[names[_COLUMN]])


def prepare(train: Path, folder: Path, pieces: int, learn_from: int, seed: int) -> TrainingSet:
    """Learn the pieces and encode the training file, or take both from an earlier start.

    Parameters
    ----------
    folder : of the run; the array and the vocabulary are kept there.
    pieces : size of the vocabulary.
    learn_from : molecules, drawn by chance, to learn it from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    array, vocabulary_file = folder / "pieces.npy", folder / "vocabulary.json"
    if not array.exists():
        molecules = list(_as_selfies(read_smiles(train)))
        rng = np.random.default_rng(seed)
        sample = rng.choice(len(molecules), min(learn_from, len(molecules)), replace=False)
        vocabulary = Vocabulary.learn((molecules[i] for i in sample), pieces)
        vocabulary.save(vocabulary_file)
        partial = folder / "pieces.part.npy"
        np.save(partial, _padded(vocabulary, molecules))
        partial.replace(array)  # whole or not at all
    vocabulary = Vocabulary.parse(vocabulary_file.read_text(encoding="utf-8"))
    return TrainingSet(vocabulary, np.load(array, mmap_mode="r", allow_pickle=False))


def _as_selfies(smiles: list[str]) -> Iterator[str]:
    chunks = [smiles[start : start + _CHUNK] for start in range(0, len(smiles), _CHUNK)]
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        for part in tqdm(
            workers.map(_chunk_as_selfies, chunks), "to SELFIES", len(chunks), unit="chunk"
        ):
            yield from part


def _chunk_as_selfies(smiles: list[str]) -> list[str]:
    return [selfies.encoder(text) for text in smiles]


def _padded(vocabulary: Vocabulary, molecules: list[str]) -> Pieces:
    chunks = [
        vocabulary.encode(molecules[start : start + _CHUNK])
        for start in tqdm(range(0, len(molecules), _CHUNK), "to pieces", unit="chunk")
    ]
    rows = [row for chunk in chunks for row in chunk]
    array = np.full((len(rows), max(map(len, rows))), END, np.uint16)
    for number, row in enumerate(rows):
        array[number, : len(row)] = row
    return array


def canonical(smiles: str) -> str:
    """Write a readable SMILES in RDKit's canonical form."""
    return Chem.MolToSmiles(Chem.MolFromSmiles(smiles))


def sha256(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
