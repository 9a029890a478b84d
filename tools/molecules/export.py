"""Molecules as files that other programs read: SDF, and CSV with SMILES."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import rdDepictor

Row = Mapping[str, str | float | int]

SDF_TYPE = "chemical/x-mdl-sdfile"
CSV_TYPE = "text/csv"


def write_sdf(mols: Sequence[Chem.Mol], rows: Sequence[Row], path: Path) -> None:
    """Write molecules with two-dimensional coordinates; each row's items become its data fields.

    Parameters
    ----------
    rows : one per molecule; the first item becomes the title.
    """
    with Chem.SDWriter(str(path)) as writer:
        for mol, row in zip(mols, rows, strict=True):
            copy = Chem.Mol(mol)
            rdDepictor.Compute2DCoords(copy)
            copy.SetProp("_Name", str(next(iter(row.values()))))
            for name, value in row.items():
                copy.SetProp(name, str(value))
            writer.write(copy)


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Write rows of the same columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
