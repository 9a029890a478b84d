"""A latent space small enough to be known by heart: it stands in for the trained generator."""

import itertools

import numpy as np
from rdkit import Chem

from consilium.tools.contract import ToolError

HEADS = ["C", "CC", "N", "O", "F", "Cl", "OC", "C(N)=O", "C(=O)O", "CCCC", "CCCCCC", "CN(C)C"]
RINGS = [
    "c1ccc({b})cc1{a}", "c1ccnc({b})c1{a}", "C1CCN({b})CC1{a}", "c1cc2ccccc2c({b})c1{a}",
    "C1CCC({b})CC1{a}", "c1csc({b})c1{a}",
]  # fmt: skip


class ToySpace:
    """Codes of ten numbers: the first six choose a ring, the others, as two angles, its side chains."""

    def __init__(self):
        self._codes = {}
        for ring, a, b in itertools.product(range(6), range(12), range(12)):
            angles = np.pi * ((np.array([a, b]) + 0.5) / 6 - 1)
            code = np.concatenate([1.5 * np.eye(6)[ring], np.sin(angles), np.cos(angles)])
            self._codes[Chem.CanonSmiles(self._write(code))] = code.astype(np.float32)

    def sample(self, count, seed):
        chance = np.random.default_rng(seed)
        return [self._write(code) for code in chance.standard_normal((count, 10))]

    def decode(self, points, *, noise):
        return [self._write(point) for point in points]

    def encode(self, smiles):
        try:
            return np.stack([self._codes[Chem.CanonSmiles(text)] for text in smiles])
        except KeyError:
            raise ToolError("The generator knows no such molecule.") from None

    @staticmethod
    def _write(code):
        a, b = (int((x / np.pi + 1) * 5.999) for x in np.arctan2(code[6:8], code[8:10]))
        return RINGS[int(np.argmax(code[:6]))].format(a=HEADS[a], b=HEADS[b])
