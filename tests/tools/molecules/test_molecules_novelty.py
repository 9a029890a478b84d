"""Membership in the training set."""

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest
from rdkit import Chem

from consilium.tools.contract import ToolError
from consilium.tools.molecules import novelty
from consilium.tools.molecules.novelty import TrainingMolecules

REPOSITORY = Path(__file__).parents[3]
SHARED = Path(os.environ.get("CONSILIUM_SHARED", REPOSITORY.parent / "shared"))
TRAIN = SHARED / "data/molecules/train.csv.gz"
mol = Chem.MolFromSmiles


def test_members_are_always_found_and_few_others():
    known = TrainingMolecules.of((f"{'C' * n}O" for n in range(1, 301)), 300)
    assert all(mol(f"{'C' * n}O") in known for n in range(1, 301))
    mistaken = sum(mol(f"{'C' * n}N") in known for n in range(1, 301))
    assert mistaken <= 3  # one in a thousand is meant


def test_stereochemistry_is_left_out():
    known = TrainingMolecules.of(["CC(N)C(=O)O"], 100)
    assert mol("C[C@H](N)C(=O)O") in known


def test_made_by_its_command(tmp_path):
    (tmp_path / "train.smi").write_text("OCC\nc1ccccc1 benzene\n")
    novelty.main(tmp_path / "train.smi", tmp_path)
    known = TrainingMolecules.load(tmp_path)
    assert mol("CCO") in known and mol("C1=CC=CC=C1") in known
    assert mol("CCN") not in known
    card = json.loads((tmp_path / "known.json").read_text())
    assert card["molecules"] == 2
    (tmp_path / "known.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(ToolError, match="damaged"):
        TrainingMolecules.load(tmp_path)
    shutil.move(tmp_path / "known.json", tmp_path / "gone.json")
    with pytest.raises(ToolError, match="missing"):
        TrainingMolecules.load(tmp_path)


def test_a_broken_training_file_is_refused(tmp_path):
    (tmp_path / "train.smi").write_text("CCO\nC1CC\n")
    with pytest.raises(ToolError, match="broken SMILES: C1CC"):
        novelty.main(tmp_path / "train.smi", tmp_path)


@pytest.mark.skipif(not TRAIN.exists(), reason="needs the shared molecules")
def test_the_shipped_filter_knows_the_training_set_and_not_the_test_set():
    known = TrainingMolecules.load()
    with gzip.open(TRAIN, "rt") as lines:
        train = [next(lines).strip() for _ in range(301)][1:]
    assert all(mol(smiles) in known for smiles in train)
    with gzip.open(TRAIN.with_name("test.csv.gz"), "rt") as lines:
        test = [next(lines).strip() for _ in range(2001)][1:]
    assert sum(mol(smiles) in known for smiles in test) <= 8  # 0.1 % of 2,000 is 2
