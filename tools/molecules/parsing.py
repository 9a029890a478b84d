"""From what a user typed to one molecule: a SMILES or a drug name in, or a sentence that says what is wrong.

A salt is reduced to its parent and a charge that a counter-ion left behind is neutralised; both
are said. Mixtures, reactions, inorganic substances and very large molecules are refused.
"""

import re
import threading
from dataclasses import dataclass, replace

from rdkit import Chem, rdBase

from consilium.tools.contract import ToolError
from consilium.tools.molecules.drugs import DrugList, unknown_name
from consilium.tools.molecules.parent import has_carbon, parent_of

SPACED = "Spaces in the SMILES were removed."

_LONGEST_TEXT = 2000
_MOST_HEAVY_ATOMS = 150
_ELEMENTS = frozenset("H B C N O F Si P S Cl Se Br I".split())
_COUNTER_IONS = frozenset("Li Na K Cs Mg Ca Sr Ba Zn Al".split())  # beside a molecule, not in it

_ATOM = re.compile(r"\[[^\]]*\]|Br|Cl|[BCNOPSFIbcnops]")
_RING_BOND = re.compile(r"\[[^\]]*\]|%(\d\d)|(\d)")
_POSITION = re.compile(r"around position (\d+)")
_VALENCE = re.compile(r"valence for atom # (\d+) (\w+), (\d+)")
_NOT_AROMATIC = re.compile(r"Unkekulized atoms: ([\d ]+)|non-ring atom (\d+) marked aromatic")
_SAME_BOND = re.compile(r"duplicated ring closure (\d+)")
# Words of which at least one letter, or a space, is none of a SMILES.
_NAME = re.compile(r"[A-Za-z0-9 ,.'()+-]*[ ADEGHJ-MQRT-Zad-hjkmqt-z][A-Za-z0-9 ,.'()+-]*[?!]?")

_capturing = threading.Lock()  # RDKit has one error log for all threads


@dataclass(frozen=True)
class Molecule:
    """One molecule that can be profiled.

    Parameters
    ----------
    mol : sanitised, without counter-ions.
    smiles : canonical, with stereochemistry.
    name : of the drug, where a name was given, as typed and as listed; else empty.
    notes : sentences on what was assumed or left out.
    """

    mol: Chem.Mol
    smiles: str
    name: str = ""
    notes: tuple[str, ...] = ()


def read(text: str, drugs: DrugList) -> Molecule:
    """Read a SMILES or a generic drug name.

    Raises
    ------
    ToolError
        If it is neither, with the place of the mistake or the nearest spelling.
    """
    text = text.strip()
    if not text:
        raise ToolError("No molecule was given: send a SMILES or a generic drug name.")
    if len(text) > _LONGEST_TEXT:
        raise ToolError(
            f"The molecule has {len(text):,} characters, more than the {_LONGEST_TEXT:,} that are"
            " read: send the SMILES of one small molecule."
        )
    if drug := drugs.find(text):
        typed = " ".join(text.split())
        is_listed = typed.lower() == drug.name.lower()
        name = drug.name if is_listed else f"{typed} ({drug.name.lower()})"
        return replace(read_smiles(drug.smiles), name=name)
    if not text.isascii():
        raise ToolError(
            "The molecule is neither a SMILES nor an English generic drug name: it holds"
            f' "{next(c for c in text if not c.isascii())}".'
        )
    compact = "".join(text.split())
    try:
        molecule = read_smiles(compact)
    except ToolError:
        if _NAME.fullmatch(text):
            raise unknown_name(text, drugs) from None
        raise
    if compact == text:
        return molecule
    return replace(molecule, notes=(SPACED, *molecule.notes))


def read_smiles(smiles: str) -> Molecule:
    """Read a SMILES and reduce it to its parent molecule.

    Raises
    ------
    ToolError
        If it is broken, or is not one organic molecule of a size that can be profiled.
    """
    if smiles.replace("->", "").count(">") > 1:  # "->" is a dative bond
        raise ToolError(
            "This is a reaction, not a molecule: send one of its molecules as a SMILES."
        )
    if smiles.startswith("InChI"):
        raise ToolError("An InChI is not read here: send the molecule as a SMILES.")
    with _capturing, rdBase.CaptureErrorLog() as log:
        mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise ToolError(_what_is_broken(smiles, log.messages))
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(0)
    if any(atom.GetAtomicNum() == 0 for atom in mol.GetAtoms()):
        raise ToolError(
            "The SMILES holds an open position (*): replace it by the atoms that belong there."
        )
    if has_carbon(mol):
        _check_elements(mol, _ELEMENTS | _COUNTER_IONS)
    with rdBase.BlockLogs():
        parent, notes = parent_of(mol)
    _check_kind(parent)
    # Written and read once more, so that one structure has one atom order and one picture.
    canonical = Chem.MolToSmiles(parent)
    return Molecule(Chem.MolFromSmiles(canonical), canonical, notes=notes)


def _check_kind(mol: Chem.Mol) -> None:
    _check_elements(mol, _ELEMENTS)
    if radicals := [atom for atom in mol.GetAtoms() if atom.GetNumRadicalElectrons()]:
        raise ToolError(
            f"The SMILES leaves an unpaired electron at {radicals[0].GetSymbol()}: write the"
            " hydrogens inside its square brackets, as in [NH]."
        )
    if (count := mol.GetNumHeavyAtoms()) > _MOST_HEAVY_ATOMS:
        raise ToolError(
            f"The molecule has {count} heavy atoms: the profile is for small molecules of up to"
            f" {_MOST_HEAVY_ATOMS}, not for peptides or polymers."
        )


def _check_elements(mol: Chem.Mol, allowed: frozenset[str]) -> None:
    strange = {atom.GetSymbol() for atom in mol.GetAtoms()} - allowed
    if strange:
        raise ToolError(
            f"The molecule holds {', '.join(sorted(strange))}: only organic molecules of"
            " H, B, C, N, O, F, Si, P, S, Cl, Se, Br and I can be profiled."
        )


def _what_is_broken(smiles: str, log: str) -> str:
    """Say in one sentence where a SMILES breaks, from RDKit's own messages."""
    if "unclosed ring" in log:
        number, place = _open_ring(smiles)
        return f"The SMILES is broken: ring bond {number} at character {place} is never closed."
    if "extra open parentheses" in log:
        return f"The SMILES is broken: the parenthesis at character {_place(log)} is never closed."
    if "extra close parentheses" in log:
        return f"The SMILES is broken: the parenthesis at character {_place(log)} was never opened."
    if found := _SAME_BOND.search(log):
        return f"The SMILES is broken: ring bond {found[1]} joins atoms that are bonded already."
    if found := _VALENCE.search(log):
        place = _atom_place(smiles, int(found[1]))
        return (
            f"The SMILES is impossible: the {found[2]} at character {place} has {found[3]} bonds,"
            " more than it can have."
        )
    if found := _NOT_AROMATIC.search(log):
        place = _atom_place(smiles, int((found[1] or found[2]).split()[0]))
        return (
            f"The SMILES is impossible: the ring of lower-case (aromatic) atoms at character {place}"
            " cannot be aromatic; a hydrogen such as [nH] may be missing."
        )
    if found := _POSITION.search(log):
        place = min(int(found[1]), len(smiles))
        return (
            f'The SMILES is broken at character {place} ("{smiles[place - 1]}"):'
            " correct it, or give a generic drug name."
        )
    return "This cannot be read as a SMILES: correct it, or give a generic drug name."


def _place(log: str) -> str:
    found = _POSITION.search(log)
    return found[1] if found else "?"


def _atom_place(smiles: str, number: int) -> int:
    """Character (from 1) at which the atom of that number (from 0) is written."""
    for index, found in enumerate(_ATOM.finditer(smiles)):
        if index == number:
            return found.start() + 1
    return len(smiles)


def _open_ring(smiles: str) -> tuple[int, int]:
    """Number and place (from 1) of the first ring bond that is never closed."""
    is_open: dict[int, int] = {}
    for found in _RING_BOND.finditer(smiles):
        if digits := found[1] or found[2]:
            number = int(digits)
            if number in is_open:
                del is_open[number]
            else:
                is_open[number] = found.start() + 1
    return next(iter(is_open.items()), (0, len(smiles)))
