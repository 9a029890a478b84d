"""Structures as pictures: one molecule with its alerts marked, or a numbered grid."""

from collections.abc import Sequence
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from consilium.tools.molecules.alerts import Alert

_WIDTH, _HEIGHT = 640, 440  # of one molecule
_CELL_WIDTH, _CELL_HEIGHT = 280, 230  # of one in the grid
_COLUMNS = 5
_ALERT_COLOUR = (1.0, 0.72, 0.42)


def draw_one(mol: Chem.Mol, alerts: Sequence[Alert], path: Path) -> None:
    """Write a PNG of one molecule; atoms and bonds of its alerts stand on an orange ground."""
    atoms = set().union(*(alert.atoms for alert in alerts)) if alerts else set()
    bonds = [
        bond.GetIdx()
        for bond in mol.GetBonds()
        if any({bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()} <= alert.atoms for alert in alerts)
    ]
    canvas = rdMolDraw2D.MolDraw2DCairo(_WIDTH, _HEIGHT)
    canvas.DrawMolecule(
        _flat(mol),
        highlightAtoms=sorted(atoms),
        highlightBonds=bonds,
        highlightAtomColors=dict.fromkeys(atoms, _ALERT_COLOUR),
        highlightBondColors=dict.fromkeys(bonds, _ALERT_COLOUR),
    )
    _save(canvas, path)


def draw_grid(mols: Sequence[Chem.Mol], legends: Sequence[str], path: Path) -> None:
    """Write a PNG of several molecules in rows of five, each with a line below it."""
    columns = min(_COLUMNS, len(mols))
    rows = -(-len(mols) // columns)
    canvas = rdMolDraw2D.MolDraw2DCairo(
        columns * _CELL_WIDTH, rows * _CELL_HEIGHT, _CELL_WIDTH, _CELL_HEIGHT
    )
    canvas.drawOptions().legendFontSize = 17  # type: ignore[assignment]
    canvas.DrawMolecules([_flat(mol) for mol in mols], legends=list(legends))
    _save(canvas, path)


def _flat(mol: Chem.Mol) -> Chem.Mol:
    """Return a copy with two-dimensional coordinates."""
    copy = Chem.Mol(mol)
    rdDepictor.Compute2DCoords(copy)
    rdDepictor.StraightenDepiction(copy)
    return copy


def _save(canvas: rdMolDraw2D.MolDraw2DCairo, path: Path) -> None:
    canvas.FinishDrawing()
    path.write_bytes(canvas.GetDrawingText())
