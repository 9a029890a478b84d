"""The safety gate: every listed agent is stopped, ordinary drugs and molecules pass."""

import csv
import gzip
import itertools
import os
from pathlib import Path

import pytest
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from consilium.tools.contract import ToolError
from consilium.tools.home import data_home
from consilium.tools.molecules import parsing, safety
from consilium.tools.molecules.drug_list import find_drug_list
from consilium.tools.molecules.drugs import DrugList

REPOSITORY = Path(__file__).parents[3]
SHARED = Path(os.environ.get("CONSILIUM_SHARED", REPOSITORY.parent / "shared"))
MOSES_TEST = SHARED / "data/molecules/test.csv.gz"
NOT_ON_THE_SCHEDULES = {  # approved drugs that the gate takes for what they resemble
    "Dexfenfluramine",
    "Fenfluramine",
    "Hydroxyamphetamine",
    "Levmetamfetamine",
    "Lisuride",
    "Methoxyphenamine",
}


def examine(smiles):
    return safety.examine(Chem.MolFromSmiles(smiles))


@pytest.mark.parametrize("agent", safety._AGENTS, ids=lambda agent: agent.name)
def test_every_listed_agent_is_stopped(agent):
    concern = examine(agent.smiles)
    assert concern.kind == agent.kind
    assert safety.examine_name(f" {agent.name.upper()} ").kind == agent.kind


@pytest.mark.parametrize(
    ("name", "formula"),
    [  # as published; a slip in a structure would open the gate
        ("sarin", "C4H10FO2P"),
        ("soman", "C7H16FO2P"),
        ("tabun", "C5H11N2O2P"),
        ("VX", "C11H26NO2PS"),
        ("amiton", "C10H24NO3PS"),
        ("sulfur mustard", "C4H8Cl2S"),
        ("saxitoxin", "C10H17N7O4"),
        ("3-quinuclidinyl benzilate", "C21H23NO3"),
        ("heroin", "C21H23NO5"),
        ("etorphine", "C25H33NO4"),
        ("carfentanil", "C24H30N2O3"),
        ("isotonitazene", "C23H30N4O3"),
        ("LSD", "C20H25N3O"),
        ("MDPV", "C16H21NO3"),
        ("JWH-018", "C24H23NO"),
        ("THC", "C21H30O2"),
    ],
)
def test_formulas(name, formula):
    (agent,) = (agent for agent in safety._AGENTS if agent.name == name)
    assert CalcMolFormula(Chem.MolFromSmiles(agent.smiles)) == formula


@pytest.mark.parametrize(
    ("smiles", "kind"),
    [  # not listed one by one
        ("CCOP(C)(=O)F", "weapon"),
        ("CC(C)O[P+](C)([O-])F", "weapon"),
        ("CCO[P+]([O-])(C#N)N(C)C", "weapon"),
        ("CCO[P+](C)([O-])SCCN(C(C)C)C(C)C", "weapon"),
        ("CP(=O)(F)N=C(C)N(CC)CC", "weapon"),
        ("CCCOP(=O)(C#N)N(C)C", "weapon"),
        ("CCCCOP(C)(=O)SCCN(CC)CC", "weapon"),
        ("CC(C)N(CCCl)CCCl", "weapon"),
        ("ClCCSCC", "weapon"),
        ("CC(=O)N(c1ccccc1)C1CCN(CCc2ccccc2)CC1", "controlled"),
        ("CCC(=O)N(c1ccc(F)cc1)C1CCN(CCc2ccccc2)CC1", "controlled"),
        ("CCN(CC)CCn1c(Cc2ccc(OC)cc2)nc2ccccc12", "controlled"),
        ("CC(N)Cc1ccc(F)cc1", "controlled"),
        ("CCNC1(c2cccc(OC)c2)CCCCC1=O", "controlled"),
        ("CCCCCn1nc(C(=O)NC(C(N)=O)C(C)(C)C)c2ccccc12", "controlled"),
    ],
)
def test_relatives_are_stopped(smiles, kind):
    assert examine(smiles).kind == kind


@pytest.mark.parametrize(
    "smiles",
    [
        "CC(=O)Oc1ccccc1C(=O)O",
        "CN1CCCC1c1cccnc1",  # nicotine
        "OC(=O)CCCc1ccc(N(CCCl)CCCl)cc1",  # chlorambucil
        "O=P1(N(CCCl)CCCl)NCCCO1",  # cyclophosphamide
        "C[n+]1cccc(OC(=O)N(C)C)c1",  # pyridostigmine
        "NCCCNCCSP(=O)(O)O",  # amifostine
        "CCOP(=S)(OCC)Oc1ccc([N+](=O)[O-])cc1",  # parathion: no schedule lists it
        "CNS(=O)(=O)Cc1ccc2[nH]cc(CCN(C)C)c2c1",  # sumatriptan
        "CC(NC(C)(C)C)C(=O)c1cccc(Cl)c1",  # bupropion
        "NC12CC3CC(CC(C3)C1)C2",  # amantadine
    ],
)
def test_ordinary_molecules_pass(smiles):
    assert examine(smiles) is None


@pytest.mark.parametrize("name", ["novichok", "Mustard Gas", "ecstasy", "pcp"])
def test_names_are_stopped(name):
    error = safety.refusal(safety.examine_name(name), "This")
    assert isinstance(error, ToolError)
    assert str(error).startswith("This is refused because it")


@pytest.mark.parametrize("name", ["aspirin", "serine", "", "vitamin c"])
def test_ordinary_names_pass(name):
    assert safety.examine_name(name) is None


@pytest.mark.skipif(
    find_drug_list(data_home()) is None, reason="needs the list that `consilium fetch` brings"
)
def test_false_alarms_among_the_known_drugs():
    """Six of 2,600 drugs are stopped as leads without being on a schedule; as profiles they pass."""
    stopped = {}
    known = DrugList.load(data_home())
    for drug in dict.fromkeys(known._by_name.values()):
        try:
            mol = parsing.read_smiles(drug.smiles).mol
        except ToolError:
            continue
        if concern := safety.examine(mol):
            stopped[drug.name] = concern.kind
    assert {n for n, kind in stopped.items() if kind == "weapon"} == {
        "Isoflurophate",
        "Mechlorethamine",
    }
    assert stopped.keys() >= NOT_ON_THE_SCHEDULES
    assert len(stopped) == 30


@pytest.mark.skipif(not MOSES_TEST.exists(), reason="needs the shared molecules")
def test_no_false_alarm_among_drug_like_molecules():
    with gzip.open(MOSES_TEST, "rt") as lines:
        rows = itertools.islice(csv.DictReader(lines), 0, None, 176)
        stopped = [row["SMILES"] for row in rows if examine(row["SMILES"])]
    assert stopped == []  # of 1,001
