"""Computed properties of one molecule, all by RDKit; `properties` says what each is."""

from rdkit import Chem
from rdkit.Chem import Crippen, Descriptors, rdMolDescriptors
from rdkit.Chem.QED import qed as _qed
from rdkit.Contrib.SA_Score import sascorer

from consilium.tools.molecules.properties import Properties


def compute(mol: Chem.Mol) -> Properties:
    """Compute every property of a sanitised molecule."""
    return Properties(
        formula=rdMolDescriptors.CalcMolFormula(mol),
        weight=weight(mol),
        logp=logp(mol),
        tpsa=rdMolDescriptors.CalcTPSA(mol),
        qed=qed(mol),
        sa_score=sa_score(mol),
        donors=rdMolDescriptors.CalcNumHBD(mol),
        acceptors=rdMolDescriptors.CalcNumHBA(mol),
        rotatable_bonds=rdMolDescriptors.CalcNumRotatableBonds(mol),
        rings=rdMolDescriptors.CalcNumRings(mol),
        heavy_atoms=mol.GetNumHeavyAtoms(),
    )


def weight(mol: Chem.Mol) -> float:
    """Average molecular weight in Da."""
    return float(Descriptors.MolWt(mol))  # type: ignore[attr-defined]


def logp(mol: Chem.Mol) -> float:
    """Crippen's logP."""
    return float(Crippen.MolLogP(mol))  # type: ignore[attr-defined]


def sa_score(mol: Chem.Mol) -> float:
    """Synthetic accessibility, 1 (easy) to 10 (hard)."""
    return float(sascorer.calculateScore(mol))


def qed(mol: Chem.Mol) -> float:
    """Drug-likeness, 0 to 1."""
    return float(_qed(mol))  # type: ignore[no-untyped-call]
