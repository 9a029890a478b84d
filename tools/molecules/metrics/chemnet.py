"""Frechet ChemNet Distance: how far two sets of molecules are apart in ChemNet's eyes.

Preuer et al. 2018, J. Chem. Inf. Model. 58:1736. The network and its weights come with the package
`fcd-torch`; its own entry point is not used, because it unpickles freely and calls what NumPy 2.4 no
longer has. Biased upwards in small sets: compare at equal sizes only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from consilium.tools.contract import ToolError

_BATCH = 512
_LENGTH = 350  # characters that ChemNet sees
_WEIGHTS_FILE = "ChemNet_v0.13_pretrained.pt"
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Gaussian:
    """Mean (512,) and covariance (512, 512) of activations."""

    mean: Numbers
    covariance: Numbers

    @classmethod
    def of(cls, activations: NDArray[np.float32]) -> "Gaussian":
        """Fit to (n, 512) activations."""
        return cls(activations.mean(0, dtype=np.float64), np.cov(activations.T))


def chemnet() -> torch.nn.Module:
    """Load ChemNet.

    Raises
    ------
    ToolError
        If the package that brings it is not installed.
    """
    found = find_spec("fcd_torch")
    if found is None or found.origin is None:
        raise ToolError("The FCD needs the package fcd-torch: please install it.")
    from fcd_torch.utils import load_imported_model

    layers = torch.load(Path(found.origin).with_name(_WEIGHTS_FILE), weights_only=True)
    network: torch.nn.Module = load_imported_model(layers)
    return network.eval()


@torch.inference_mode()
def activations(smiles: Sequence[str], what: str = "molecules") -> NDArray[np.float32]:
    """Return the (n, 512) activations of canonical SMILES."""
    from fcd_torch.utils import get_one_hot

    network = chemnet()
    found = np.empty((len(smiles), 512), np.float32)
    for start in tqdm(range(0, len(smiles), _BATCH), f"ChemNet, {what}", unit="batch"):
        batch = smiles[start : start + _BATCH]
        letters = np.zeros((len(batch), _LENGTH, 35), np.float32)
        for row, text in enumerate(batch):
            letters[row] = get_one_hot(text, _LENGTH)
        # The package feeds the network so: divided by the number of letters.
        scaled = torch.from_numpy(letters / letters.shape[2]).transpose(1, 2)
        found[start : start + len(batch)] = network(scaled).numpy()
    return found


def frechet(one: Gaussian, other: Gaussian) -> float:
    """Return the squared Frechet distance of two Gaussians (Dowson and Landau 1982)."""
    # The trace of the root of a product of two positive semi-definite matrices needs only its
    # eigenvalues, and those are the ones of a symmetric matrix.
    values, vectors = np.linalg.eigh(one.covariance)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    overlap = np.sqrt(np.linalg.eigvalsh(root @ other.covariance @ root).clip(min=0)).sum()
    gap = np.square(one.mean - other.mean).sum()
    return float(gap + np.trace(one.covariance) + np.trace(other.covariance) - 2 * overlap)
