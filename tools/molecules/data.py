"""Molecules from files, and the training set as arrays of pieces and codes that are made once per run."""

import csv
import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from tqdm import tqdm

from consilium.tools.contract import ToolError
from consilium.tools.molecules.codes import Coder
from consilium.tools.molecules.vocabulary import END, UnknownSymbolError, Vocabulary

_CHUNK = 2000
_COLUMN = "SMILES"
Pieces = NDArray[np.uint16]


@dataclass(frozen=True)
class TrainingSet:
    """Encoded molecules.

    Parameters
    ----------
    pieces : (n, longest) piece numbers, padded with END.
    codes : (n, latent).
    """

    vocabulary: Vocabulary
    coder: Coder
    pieces: Pieces
    codes: NDArray[np.float16]

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


def prepare(
    train: Path, folder: Path, pieces: int, latent: int, learn_from: int, seed: int
) -> TrainingSet:
    """Learn pieces and directions of codes, and encode the training file; once per run.

    Parameters
    ----------
    folder : of the run; what was made is kept there.
    pieces : size of the vocabulary.
    latent : size of a code.
    learn_from : molecules, drawn by chance, to learn both from.

    Raises
    ------
    ToolError
        If a molecule cannot be read or holds a symbol that the generator does not write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    last, vocabulary_file = folder / "codes.npy", folder / "vocabulary.json"
    if not last.exists():
        smiles = read_smiles(train)
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(smiles), min(learn_from, len(smiles)), replace=False)
        sample = [smiles[i] for i in chosen]
        try:
            vocabulary = Vocabulary.learn(sample, pieces)
            encoded = _padded(vocabulary, smiles)
        except UnknownSymbolError as error:
            raise ToolError(
                f"The file {train.name} holds {error.symbol}, which the generator does not write."
            ) from None
        vocabulary.save(vocabulary_file)
        np.save(folder / "pieces.npy", encoded)
        coder = Coder.fit(map(_molecule, sample), latent)
        np.savez(folder / "coder.npz", centre=coder.centre, directions=coder.directions)
        partial = folder / "codes.part.npy"
        np.save(partial, _coded(coder, smiles))
        partial.replace(last)  # whole or not at all
    with np.load(folder / "coder.npz", allow_pickle=False) as parts:
        coder = Coder(parts["centre"], parts["directions"])
    return TrainingSet(
        Vocabulary.parse(vocabulary_file.read_text(encoding="utf-8")),
        coder,
        np.load(folder / "pieces.npy", mmap_mode="r", allow_pickle=False),
        np.load(last, mmap_mode="r", allow_pickle=False),
    )


def _padded(vocabulary: Vocabulary, smiles: list[str]) -> Pieces:
    chunks = [
        vocabulary.encode(smiles[start : start + _CHUNK])
        for start in tqdm(range(0, len(smiles), _CHUNK), "to pieces", unit="chunk")
    ]
    rows = [row for chunk in chunks for row in chunk]
    array = np.full((len(rows), max(map(len, rows))), END, np.uint16)
    for number, row in enumerate(rows):
        array[number, : len(row)] = row
    return array


def _coded(coder: Coder, smiles: list[str]) -> NDArray[np.float16]:
    chunks = [smiles[start : start + _CHUNK] for start in range(0, len(smiles), _CHUNK)]
    with ProcessPoolExecutor(
        len(os.sched_getaffinity(0)), initializer=_take, initargs=(coder,)
    ) as w:
        found = list(tqdm(w.map(_codes, chunks), "to codes", len(chunks), unit="chunk"))
    return np.concatenate(found)


_taken: list[Coder] = []  # of a worker


def _take(coder: Coder) -> None:
    _taken[:] = [coder]


def _codes(smiles: list[str]) -> NDArray[np.float16]:
    return np.asarray(_taken[0].encode(map(_molecule, smiles)), np.float16)


def _molecule(smiles: str) -> Chem.Mol:
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise ToolError(f"Among the training molecules, {smiles[:80]} cannot be read.")
    return molecule


def canonical(smiles: str) -> str:
    """Write a readable SMILES in RDKit's canonical form."""
    return Chem.MolToSmiles(Chem.MolFromSmiles(smiles))


def sha256(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
