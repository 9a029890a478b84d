"""What is needed of a reference set, computed once and kept by the hash of its file."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rdkit import Chem
from tqdm import tqdm

from consilium.tools.molecules.data import canonical, read_smiles, sha256
from consilium.tools.molecules.metrics.chemnet import Gaussian, activations
from consilium.tools.molecules.metrics.fragments import fragments, scaffolds
from consilium.tools.molecules.metrics.properties import Values, properties
from consilium.tools.molecules.metrics.similarity import Bits, fingerprints

_VERSION = 1  # raise it when what is kept changes its meaning


@dataclass(frozen=True)
class Reference:
    """Statistics of a set of molecules, for comparison with others.

    Parameters
    ----------
    properties : (n, 4), or (0, 4) where they were not asked for: they take long.
    """

    chemnet: Gaussian
    bits: Bits
    fragments: Counter[str]
    scaffolds: Counter[str]
    properties: Values

    @classmethod
    def of(
        cls, smiles: list[str], what: str = "reference", *, with_properties: bool = True
    ) -> "Reference":
        """Compute everything from canonical SMILES; minutes for 100,000 of them."""
        molecules = [Chem.MolFromSmiles(text) for text in tqdm(smiles, f"reading {what}")]
        return cls(
            Gaussian.of(activations(smiles, what)),
            fingerprints(tqdm(molecules, f"fingerprints, {what}")),
            fragments(tqdm(molecules, f"fragments, {what}")),
            scaffolds(tqdm(molecules, f"scaffolds, {what}")),
            properties(tqdm(molecules if with_properties else [], f"properties, {what}")),
        )

    @classmethod
    def of_file(cls, path: Path, cache: Path, *, with_properties: bool = True) -> "Reference":
        """Compute from a file, or take what was kept in the folder `cache`."""
        part = "" if with_properties else "-without-properties"
        kept = cache / f"reference-{_VERSION}{part}-{sha256(path)[:16]}.npz"
        if not kept.exists():
            smiles = [canonical(text) for text in read_smiles(path)]
            found = cls.of(smiles, path.name, with_properties=with_properties)
            cache.mkdir(parents=True, exist_ok=True)
            partial = kept.with_suffix(".part.npz")
            np.savez(
                partial,
                mean=found.chemnet.mean,
                covariance=found.chemnet.covariance,
                bits=np.packbits(found.bits, axis=1),
                fragments=_as_bytes(found.fragments),
                scaffolds=_as_bytes(found.scaffolds),
                properties=found.properties,
            )
            partial.replace(kept)
        with np.load(kept, allow_pickle=False) as parts:
            return cls(
                Gaussian(parts["mean"], parts["covariance"]),
                np.unpackbits(parts["bits"], axis=1),
                _counts(parts["fragments"]),
                _counts(parts["scaffolds"]),
                parts["properties"],
            )


def _as_bytes(counts: Counter[str]) -> Bits:
    return np.frombuffer(json.dumps(counts).encode(), np.uint8)


def _counts(content: Bits) -> Counter[str]:
    return Counter(json.loads(content.tobytes()))
