"""`design_molecules` as the chair calls it, with a toy in the place of the generator."""

import csv
import sys
from pathlib import Path

import pytest
from PIL import Image
from pydantic import ValidationError
from rdkit import Chem

from consilium.tools.contract import ToolContext, ToolError
from consilium.tools.molecules import steering, tool
from consilium.tools.molecules.contract import DesignMolecules
from consilium.tools.molecules.drugs import Drug, DrugList
from consilium.tools.molecules.novelty import TrainingMolecules
from consilium.tools.molecules.profile import Profiler

sys.path.insert(0, str(Path(__file__).parent))
from toy_space import ToySpace

TOLUIC = "Cc1cccc(C(=O)O)c1"


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    drugs = DrugList(
        [
            Drug("Toluic acid", TOLUIC, "1"),
            Drug("Fentanyl", "CCC(=O)N(c1ccccc1)C1CCN(CCc2ccccc2)CC1", "2"),
        ]
    )
    training = TrainingMolecules.of(["Nc1cccc(C(=O)O)c1"], 50)
    monkeypatch.setattr(tool, "_profilers", [Profiler(drugs, training)])
    monkeypatch.setattr(tool, "_generators", [ToySpace()])
    monkeypatch.setattr(steering, "_IDLE_ROUNDS", 6)


def design(folder, **args):
    return tool.design_molecules(DesignMolecules(**args), ToolContext(artifact_dir=folder))


def test_a_design(tmp_path):
    result = design(tmp_path, count=3, max_logp=2.0, max_weight=200.0)
    assert result.status == "ok"
    assert result.summary.startswith("Found 3 new molecules with logP at most 2 and weight at most")
    picture, table, file = result.artifacts
    with table.path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["name"] for row in rows] == ["molecule 1", "molecule 2", "molecule 3"]
    assert all(float(row["logP"]) <= 2 and float(row["molecular weight"]) <= 200 for row in rows)
    smiles = [f.value for f in result.findings if f.label.startswith("molecule ")]
    assert smiles == [row["SMILES"] for row in rows]
    written = [Chem.MolToSmiles(mol) for mol in Chem.SDMolSupplier(str(file.path))]
    assert written == smiles
    with Image.open(picture.path) as opened:
        assert opened.size == (3 * 280, 230)


def test_many_molecules_make_a_grid(tmp_path):
    result = design(tmp_path, count=50)
    with Image.open(result.artifacts[0].path) as opened:
        assert opened.size == (5 * 280, 10 * 230)
    assert len(result.findings) <= 12


@pytest.mark.parametrize("lead", [TOLUIC, "toluic acid", f"{TOLUIC}.O"])
def test_a_lead(tmp_path, lead):
    result = design(tmp_path, count=2, similar_to=lead)
    assert "similarity to the lead" in result.summary
    with result.artifacts[1].path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert all(float(row["similarity to the lead"]) >= steering.LEAST_SIMILARITY for row in rows)
    assert not {TOLUIC, "Nc1cccc(C(=O)O)c1"} & {row["SMILES"] for row in rows}
    assert any("at least 0.3" in text for text in result.assumptions)
    assert any("Toluic acid" in text for text in result.assumptions) == (lead == "toluic acid")


def test_a_lead_that_the_generator_cannot_write(tmp_path, monkeypatch):
    class Narrow(ToySpace):
        def encode(self, smiles):
            raise ToolError("The generator knows no molecules with B.")

    monkeypatch.setattr(tool, "_generators", [Narrow()])
    result = design(tmp_path, count=1, similar_to="OB(O)c1ccc(C)cc1")
    assert result.warnings[0].startswith("The generator knows no molecules with B. The search")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"max_weight": 5.0}, "No organic molecule weighs 5 Da or less"),
        ({"max_weight": -1.0}, "No organic molecule weighs"),
        ({"similar_to": ""}, "No molecule was given"),
        ({"similar_to": "C1CC"}, "ring bond 1"),
        ({"similar_to": "toluicacid"}, 'did you mean "toluic acid"'),
        ({"similar_to": "阿司匹林"}, "neither a SMILES"),
        ({"similar_to": "C" * 20_000}, "20,000 characters"),
        ({"similar_to": "sarin"}, "This is refused"),
        ({"similar_to": "CC(C)OP(C)(=O)F"}, "nerve agent"),
        ({"similar_to": "fentanyl"}, "This lead is refused because it has the structure"),
    ],
)
def test_what_is_refused(tmp_path, args, said):
    with pytest.raises(ToolError, match=said):
        design(tmp_path, **args)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "args", [{"count": 0}, {"count": 10_000}, {"min_qed": 1.7}, {"max_logp": float("nan")}]
)
def test_what_the_contract_refuses(args):
    with pytest.raises(ValidationError):
        DesignMolecules(**args)


def test_limits_that_cannot_be_met(tmp_path):
    result = design(tmp_path, min_qed=1.0, max_weight=90.0)
    assert result.abstained
    assert "What stands in the way" in result.summary
    assert not result.artifacts and not list(tmp_path.iterdir())


def test_fewer_than_asked_for(tmp_path):
    result = design(tmp_path, count=50, max_weight=115.0)
    assert result.status == "ok"
    assert "of 50 new molecules" in result.summary
    assert "weight at most 115 Da (lightest seen" in result.warnings[0]
