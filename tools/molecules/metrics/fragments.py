"""Fragments (BRICS) and scaffolds (Bemis-Murcko): what they are made of, counted and compared."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from rdkit import Chem
from rdkit.Chem import AllChem
from rdkit.Chem.Scaffolds import MurckoScaffold

_MIN_RINGS = 2  # what has fewer rings counts as having no scaffold


def fragments(molecules: Iterable[Chem.Mol]) -> Counter[str]:
    """Count the pieces that molecules fall into at their BRICS bonds."""
    found: Counter[str] = Counter()
    for molecule in molecules:
        cut = AllChem.FragmentOnBRICSBonds(molecule)  # type: ignore[attr-defined]
        found.update(Chem.MolToSmiles(cut).split("."))
    return found


def scaffolds(molecules: Iterable[Chem.Mol]) -> Counter[str]:
    """Count the scaffolds of molecules, one each, leaving out those of fewer than two rings."""
    found: Counter[str] = Counter()
    for molecule in molecules:
        scaffold = MurckoScaffold.GetScaffoldForMol(molecule)  # type: ignore[no-untyped-call]
        if scaffold.GetRingInfo().NumRings() >= _MIN_RINGS:
            found[Chem.MolToSmiles(scaffold)] += 1
    return found


def cosine(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Return the cosine similarity of two counts, not a number where one is empty."""
    dot = sum(count * other.get(name, 0) for name, count in one.items())
    sizes = [np.sqrt(sum(float(c) ** 2 for c in counts.values())) for counts in (one, other)]
    return float(dot / (sizes[0] * sizes[1])) if all(sizes) else float("nan")
