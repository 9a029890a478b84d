"""Computed properties against published values, the two rules, and alerts with their atoms."""

import pytest
from rdkit import Chem

from consilium.tools.molecules import alerts, descriptors

CAFFEINE = "Cn1c(=O)c2c(ncn2C)n(C)c1=O"
ATORVASTATIN = "CC(C)c1c(C(=O)Nc2ccccc2)c(-c2ccccc2)c(-c2ccc(F)cc2)n1CC[C@@H](O)C[C@@H](O)CC(=O)O"


def compute(smiles):
    return descriptors.compute(Chem.MolFromSmiles(smiles))


def test_caffeine():
    p = compute(CAFFEINE)
    assert p.formula == "C8H10N4O2"
    assert p.weight == pytest.approx(194.19, abs=0.01)  # PubChem CID 2519
    assert (p.donors, p.rotatable_bonds, p.rings, p.heavy_atoms) == (0, 0, 2, 14)
    assert p.tpsa == pytest.approx(61.82, abs=0.01)  # Ertl's fragments: 2 C=O, 3 NCH3, 1 =N-
    assert p.qed == pytest.approx(0.54, abs=0.01)
    assert 1 < p.sa_score < 3


def test_aspirin_polar_surface_as_published():
    assert compute("CC(=O)Oc1ccccc1C(=O)O").tpsa == pytest.approx(63.6, abs=0.05)  # Ertl 2000


def test_rules():
    kept = compute(CAFFEINE)
    assert kept.lipinski_violations == kept.veber_violations == ()
    broken = compute(ATORVASTATIN)
    assert broken.lipinski_violations == ("weight over 500 Da", "logP over 5")
    assert broken.veber_violations == ("more than 10 rotatable bonds",)


@pytest.mark.parametrize(
    ("smiles", "catalogue", "name", "atoms"),
    [
        ("CC(=O)Oc1ccccc1CC", "Brenk", "phenol ester", {1, 2, 3, 4}),
        ("CCOC1C=CC(=O)C=C1N=Nc1ccccc1", "Brenk", "diazo group", {10, 11}),
        ("Oc1ccccc1O", "PAINS", "catechol A", {0, 7}),
    ],
)
def test_alerts_say_which_atoms(smiles, catalogue, name, atoms):
    found = {(a.catalogue, a.name): a.atoms for a in alerts.find(Chem.MolFromSmiles(smiles))}
    assert atoms <= found[catalogue, name]


def test_nothing_to_alert_of():
    assert alerts.find(Chem.MolFromSmiles("COCCc1ccc(OCC(O)CNC(C)C)cc1")) == []
