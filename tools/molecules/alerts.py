"""Structural alerts: substructures that medicinal chemists distrust, each with the atoms it is made of.

PAINS (assay interference: Baell and Holloway 2010, J. Med. Chem. 53, 2719), Brenk (unwanted groups:
Brenk et al. 2008, ChemMedChem 3, 435) and NIH (reactive groups: Jadhav et al. 2010, J. Med. Chem.
53, 37; Doveston et al. 2015, Org. Biomol. Chem. 13, 859), as RDKit ships them. Many approved drugs
carry one.
"""

import threading
from dataclasses import dataclass

from rdkit import Chem
from rdkit.Chem.rdfiltercatalog import FilterCatalog, FilterCatalogParams


@dataclass(frozen=True)
class Alert:
    """One alert in one molecule.

    Parameters
    ----------
    catalogue : "PAINS", "Brenk" or "NIH".
    name : of the pattern, in words.
    atoms : indices of every atom that the pattern covers.
    """

    catalogue: str
    name: str
    atoms: frozenset[int]


def find(mol: Chem.Mol) -> list[Alert]:
    """Return every alert of the three catalogues, in their order."""
    found = []
    for name, catalogue in _catalogues().items():
        for entry in catalogue.GetMatches(mol):
            atoms = {atom for match in entry.GetFilterMatches(mol) for _, atom in match.atomPairs}
            words = str(entry.GetDescription()).split("(")[0].replace("_", " ").strip()
            found.append(Alert(name, words, frozenset(atoms)))
    return found


_CATALOGUES = {"PAINS": "PAINS", "Brenk": "BRENK", "NIH": "NIH"}  # ours: RDKit's
_loading = threading.Lock()
_loaded: dict[str, FilterCatalog] = {}


def _catalogues() -> dict[str, FilterCatalog]:
    with _loading:
        if not _loaded:
            for name, part in _CATALOGUES.items():
                chosen = FilterCatalogParams()
                chosen.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, part))
                _loaded[name] = FilterCatalog(chosen)
        return _loaded
