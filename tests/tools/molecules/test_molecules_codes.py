"""Codes: standardised over the molecules they were learned from, alike for like molecules."""

import numpy as np
import pytest
from rdkit import Chem

from consilium.tools.molecules.codes import Coder, features

TAILS = ["C", "CC", "O", "N", "F", "Cl", "OC", "C#N", "C(=O)N", "S(C)(=O)=O"]
HEADS = ["c1ccc(C{})cc1", "C1CCN(C{})CC1", "c1cc(C{})ccn1", "C1CC(C{})C1", "O=C(NC{})c1cccs1"]
SMILES = [head.format(tail) for head in HEADS for tail in TAILS]
MOLECULES = [Chem.MolFromSmiles(text) for text in SMILES]


@pytest.fixture(scope="module")
def coder():
    return Coder.fit(MOLECULES, 6)


def test_codes_have_mean_0_variance_1_and_no_correlation(coder):
    codes = coder.encode(MOLECULES)
    assert codes.shape == (50, 6) and codes.dtype == np.float32
    assert np.allclose(codes.mean(0), 0, atol=1e-3)
    assert np.allclose(np.cov(codes.T), np.eye(6), atol=0.05)


def test_a_molecule_has_one_code_however_it_is_written(coder):
    one, same, other = coder.encode(map(Chem.MolFromSmiles, ["CCc1ccccc1", "c1ccc(CC)cc1", "CCC"]))
    assert np.allclose(one, same) and not np.allclose(one, other)


def test_like_molecules_have_like_codes(coder):
    lead, near, far = coder.encode(
        map(Chem.MolFromSmiles, ["CCc1ccccc1", "CCCc1ccccc1", "NC(=O)CN1CCCCC1"])
    )
    assert np.linalg.norm(lead - near) < np.linalg.norm(lead - far)


def test_a_lead_far_from_what_was_learned_has_a_code_within_bounds(coder):
    (code,) = coder.encode([Chem.MolFromSmiles("C[Si](C)(C)CC" + "CC(=O)NC" * 30)])
    assert np.isfinite(code).all() and np.abs(code).max() <= 4


def test_none_have_none(coder):
    assert coder.encode([]).shape == (0, 6)
    assert features([]).shape[0] == 0
