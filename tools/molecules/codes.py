"""Codes of molecules: what a molecule holds and how it is put together, as a few numbers.

Counts of atom environments (Morgan, radius 2) and a few properties, seen along their main directions
(PCA) and scaled so that each number has mean 0 and variance 1 over the training set. Nothing is learned
but the directions: codes of training molecules are computed once, like molecules have like codes, and
any molecule that RDKit reads has one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import Crippen, Descriptors, rdFingerprintGenerator, rdMolDescriptors

_RADIUS, _COUNTS = 2, 1024
_WEIGHT = 2.0  # of each property: as much variance as its square in counts
_FURTHEST = (
    4.0  # standard deviations; beyond are leads that the training molecules tell nothing about
)
_PROPERTIES = (
    Crippen.MolLogP,  # type: ignore[attr-defined]
    Descriptors.MolWt,  # type: ignore[attr-defined]
    rdMolDescriptors.CalcTPSA,
    rdMolDescriptors.CalcNumHBD,
    rdMolDescriptors.CalcNumHBA,
    rdMolDescriptors.CalcNumRotatableBonds,
    rdMolDescriptors.CalcNumRings,
    rdMolDescriptors.CalcNumAromaticRings,
    rdMolDescriptors.CalcFractionCSP3,
)
Codes = NDArray[np.float32]
_maker = rdFingerprintGenerator.GetMorganGenerator(radius=_RADIUS, fpSize=_COUNTS)


@dataclass(frozen=True)
class Coder:
    """The directions that codes are seen along.

    Parameters
    ----------
    centre : (features,) mean of the features.
    directions : (features, latent).
    """

    centre: Codes
    directions: Codes

    @classmethod
    def fit(cls, molecules: Iterable[Chem.Mol], latent: int) -> "Coder":
        """Find the directions from a sample of the training molecules."""
        seen = features(molecules)
        spread = np.ones(seen.shape[1], np.float32)
        spread[_COUNTS:] = _WEIGHT / seen[:, _COUNTS:].std(0).clip(min=1e-3)
        centre = seen.mean(0)
        values, vectors = np.linalg.eigh(np.cov(((seen - centre) * spread).T))
        scaled = vectors[:, ::-1][:, :latent] / np.sqrt(values[::-1][:latent].clip(min=1e-9))
        return cls(centre, np.asarray(spread[:, None] * scaled, np.float32))

    def encode(self, molecules: Iterable[Chem.Mol]) -> Codes:
        """Return the (n, latent) codes of sanitised molecules."""
        codes = (features(molecules) - self.centre) @ self.directions
        return np.asarray(codes.clip(-_FURTHEST, _FURTHEST), np.float32)


def features(molecules: Iterable[Chem.Mol]) -> Codes:
    """Return (n, features): square roots of the counts, then the properties."""
    rows = [
        np.concatenate(
            [
                np.sqrt(_maker.GetCountFingerprintAsNumPy(molecule)),
                [of(molecule) for of in _PROPERTIES],
            ]
        )
        for molecule in molecules
    ]
    return np.array(rows, np.float32).reshape(-1, _COUNTS + len(_PROPERTIES))
