"""The filters that MOSES' own molecules passed: atoms, charges, rings, PAINS and medicinal chemistry.

PAINS (Baell and Holloway 2010) come with RDKit, the same file that MOSES uses. The 22 medicinal
chemistry patterns (MCF) are not ours to ship: name the file `mcf.csv` of the package `molsets`.
"""

import csv
from pathlib import Path

from rdkit import Chem, RDConfig

from consilium.tools.contract import ToolError

_ALLOWED = frozenset({"C", "N", "S", "O", "F", "Cl", "Br", "H"})
_LARGEST_RING = 7


class Filters:
    """Whether molecules pass.

    Parameters
    ----------
    mcf : CSV with a column `smarts`; None leaves these patterns out.
    """

    def __init__(self, mcf: Path | None) -> None:
        self.complete = mcf is not None
        with (Path(RDConfig.RDDataDir) / "Pains" / "wehi_pains.csv").open(newline="") as lines:
            smarts = [row[0].strip() for row in csv.reader(lines) if row]
        if mcf:
            smarts += _mcf(mcf)
        self._patterns = [Chem.MolFromSmarts(text) for text in smarts]
        if None in self._patterns:
            raise ToolError("The file of filters holds a pattern that is no SMARTS.")

    def passes(self, molecule: Chem.Mol) -> bool:
        """Whether a molecule passes all filters."""
        if any(len(ring) > _LARGEST_RING for ring in molecule.GetRingInfo().AtomRings()):
            return False
        atoms = molecule.GetAtoms()
        if any(atom.GetFormalCharge() or atom.GetSymbol() not in _ALLOWED for atom in atoms):
            return False
        explicit = Chem.AddHs(molecule)
        return not any(explicit.HasSubstructMatch(pattern) for pattern in self._patterns)


def _mcf(path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            return [row["smarts"] for row in csv.DictReader(lines)]
    except (OSError, KeyError, UnicodeDecodeError):
        raise ToolError(
            f"The file {path.name} cannot be read as filters: it needs a column smarts."
        ) from None
