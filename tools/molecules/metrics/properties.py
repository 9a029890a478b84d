"""Numbers that describe a molecule, and how far their distributions are apart."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from consilium.tools.molecules import descriptors

Values = NDArray[np.float64]


class Property(NamedTuple):
    """A name as in MOSES and how it is computed."""

    name: str
    compute: Callable[[Chem.Mol], float]


PROPERTIES = (
    Property("logP", descriptors.logp),
    Property("SA", descriptors.sa_score),
    Property("QED", descriptors.qed),
    Property("weight", descriptors.weight),
)


def properties(molecules: Iterable[Chem.Mol]) -> Values:
    """Return the (n, 4) values of PROPERTIES."""
    rows = [[prop.compute(molecule) for prop in PROPERTIES] for molecule in molecules]
    return np.asarray(rows, np.float64).reshape(-1, len(PROPERTIES))
