"""Tanimoto similarity of Morgan fingerprints (radius 2, 1024 bits): to other molecules, to each other."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from torch import Tensor
from tqdm import tqdm

_RADIUS, _BITS = 2, 1024
_BATCH = 4096
Bits = NDArray[np.uint8]  # (n, 1024), zeros and ones


def fingerprints(molecules: Iterable[Chem.Mol]) -> Bits:
    """Return the fingerprints of molecules."""
    maker = rdFingerprintGenerator.GetMorganGenerator(radius=_RADIUS, fpSize=_BITS)
    rows = [maker.GetFingerprintAsNumPy(molecule) for molecule in molecules]
    return np.stack(rows) if rows else np.zeros((0, _BITS), np.uint8)


def nearest(molecules: Bits, reference: Bits) -> NDArray[np.float64]:
    """Return each molecule's similarity to its nearest one in the reference."""
    best = torch.zeros(len(molecules))
    for start, rows in _compared(molecules, reference, "nearest neighbours"):
        part = best[start : start + len(rows)]
        torch.maximum(part, rows.amax(1), out=part)
    return np.asarray(best.double().numpy())


def internal_similarity(molecules: Bits, power: int = 1) -> NDArray[np.float64]:
    """Return each molecule's mean similarity to all, itself included: (mean of s^power)^(1/power)."""
    total = torch.zeros(len(molecules), dtype=torch.float64)
    for start, rows in _compared(molecules, molecules, "diversity"):
        total[start : start + len(rows)] += (rows**power).double().sum(1)
    return np.asarray(((total / len(molecules)) ** (1 / power)).numpy())


def _compared(molecules: Bits, reference: Bits, what: str) -> Iterator[tuple[int, Tensor]]:
    """Yield (first row, similarities of some rows to some of the reference)."""
    starts = range(0, len(reference), _BATCH)
    for column in tqdm(starts, what, unit="batch"):
        others = torch.from_numpy(reference[column : column + _BATCH]).float()
        others_size = others.sum(1)
        for row in range(0, len(molecules), _BATCH):
            some = torch.from_numpy(molecules[row : row + _BATCH]).float()
            common = some @ others.T
            either = some.sum(1, keepdim=True) + others_size - common
            yield row, torch.where(either > 0, common / either, torch.ones(()))
