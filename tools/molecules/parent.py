"""The molecule that is meant by a salt or solvate: without counter-ions and solvent, uncharged."""

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

from consilium.tools.contract import ToolError

SALT = "Counter-ions and solvent were left out: the parent molecule was taken."
REPEATED = "The same molecule was given more than once: it was taken once."
NO_CARBON = "The substance is inorganic (no carbon): only organic molecules can be profiled."

_SMALL_PART = 5  # heavy atoms of what may lie beside a molecule without making it a mixture

# Acids, bases and solvents that drugs are crystallised with; as neutral, canonical SMILES.
_COUNTER_IONS = (
    "OC(=O)CCC(=O)O OC(=O)C=CC(=O)O OC(=O)C(O)C(O)C(=O)O OC(=O)CC(O)(CC(=O)O)C(=O)O OC(=O)CC(O)C(=O)O "
    "CC(O)C(=O)O O=C(O)c1ccccc1 O=S(=O)(O)c1ccccc1 Cc1ccc(S(=O)(=O)O)cc1 O=C(O)C(F)(F)F "
    "O=S(=O)(O)CCO O=S(=O)(O)CCS(=O)(=O)O CNCC(O)C(O)C(O)C(O)CO NC(CO)(CO)CO "
    "OCC(O)C(O)C(O)C(O)C(=O)O CC1(C)C2CCC1(CS(=O)(=O)O)C(=O)C2 O=S(=O)(O)c1cccc2ccccc12 "
    "O=S(=O)(O)c1ccc2ccccc2c1 O=C(O)c1ccc2ccccc2c1O O=C(O)CNC(=O)c1ccccc1 "
    "O=C(O)c1cc2ccccc2c(Cc2c(O)c(C(=O)O)cc3ccccc23)c1O O=C(O)CCCCC(=O)O"
).split()


def parent_of(mol: Chem.Mol) -> tuple[Chem.Mol, tuple[str, ...]]:
    """Return the one molecule that is meant, and a sentence on what was left out to get there.

    Raises
    ------
    ToolError
        If several different molecules are meant, or none with carbon.
    """
    parts = Chem.GetMolFrags(mol, asMols=True)
    if len(parts) == 1 and has_carbon(mol):
        return mol, ()
    organic = [part for part in parts if has_carbon(part)]
    distinct = list({Chem.MolToSmiles(_neutral(part)): part for part in organic}.values())
    meant = [part for part in distinct if _flat(part) not in _KNOWN_COUNTER_IONS] or distinct
    if len(meant) > 1:
        largest = max(part.GetNumHeavyAtoms() for part in meant)
        meant = [part for part in meant if part.GetNumHeavyAtoms() > min(_SMALL_PART, largest - 1)]
    if len(meant) > 1:
        raise ToolError(
            f"This is a mixture of {len(meant)} different molecules: send them one at a time."
        )
    if not meant:
        raise ToolError(NO_CARBON)
    left_out = len(distinct) > 1 or len(organic) < len(parts)
    return _neutral(meant[0]), (SALT if left_out else REPEATED,)


def has_carbon(mol: Chem.Mol) -> bool:
    """Whether the molecule is organic in the widest sense."""
    return any(atom.GetAtomicNum() == 6 for atom in mol.GetAtoms())


def _neutral(mol: Chem.Mol) -> Chem.Mol:
    return _UNCHARGER.uncharge(mol)


def _flat(mol: Chem.Mol) -> str:
    return Chem.MolToSmiles(_neutral(mol), isomericSmiles=False)


_UNCHARGER = rdMolStandardize.Uncharger()
_KNOWN_COUNTER_IONS = frozenset(
    Chem.MolToSmiles(Chem.MolFromSmiles(smiles)) for smiles in _COUNTER_IONS
)
