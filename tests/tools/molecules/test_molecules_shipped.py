"""The generator with the weights that ship."""

import pytest
from rdkit import Chem

from consilium.tools.contract import ToolContext
from consilium.tools.molecules import report
from consilium.tools.molecules.contract import DesignMolecules
from consilium.tools.molecules.drugs import similarity
from consilium.tools.molecules.generator import MoleculeGenerator
from consilium.tools.registry import TOOLS


@pytest.fixture(scope="module")
def generator() -> MoleculeGenerator:
    return MoleculeGenerator.load()


def test_results_name_the_version_of_the_card(generator):
    assert report.GENERATOR.version == generator.card.version


def test_every_sample_is_a_valid_molecule_in_one_piece(generator):
    smiles = generator.sample(256, seed=3)
    molecules = [Chem.MolFromSmiles(text) for text in smiles]
    assert None not in molecules
    assert not [text for text in smiles if "." in text]
    assert len(set(smiles)) > 250


def test_a_seed_repeats_its_molecules(generator):
    assert generator.sample(16, seed=5) == generator.sample(16, seed=5)
    assert generator.sample(16, seed=5) != generator.sample(16, seed=6)


def test_points_of_molecules_lead_to_like_ones(generator):
    smiles = generator.sample(64, seed=7)
    back = generator.decode(generator.encode(smiles), noise=0.0)
    alike = [
        similarity(Chem.MolFromSmiles(one), Chem.MolFromSmiles(other))
        for one, other in zip(smiles, back, strict=True)
        if other
    ]
    assert len(alike) > 60 and sum(alike) / len(alike) > 0.6


def test_the_registry_designs_within_limits(tmp_path):
    run = TOOLS["design_molecules"].load()
    result = run(
        DesignMolecules(count=3, max_logp=3.0, max_weight=330.0), ToolContext(artifact_dir=tmp_path)
    )
    found = [f.value for f in result.findings if f.label.startswith("molecule ")]
    assert result.status == "ok"
    assert len(found) == 3
    assert all(Chem.MolFromSmiles(text) is not None for text in found)
