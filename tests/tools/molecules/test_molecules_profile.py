"""`profile_molecule` as the chair calls it, with the lists that are installed."""

import csv
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from rdkit import Chem

from consilium.tools.contract import ToolContext, ToolError
from consilium.tools.molecules import admet, report, tool
from consilium.tools.molecules.admet import AdmetModels, Endpoint, LazyAdmet, Prediction
from consilium.tools.molecules.contract import ProfileMolecule
from consilium.tools.molecules.drugs import Drug, DrugList
from consilium.tools.molecules.novelty import TrainingMolecules
from consilium.tools.molecules.profile import Profiler

CAFFEINE = "Cn1c(=O)c2c(ncn2C)n(C)c1=O"
FEW = DrugList(
    [
        Drug("Caffeine", CAFFEINE, "DB00201"),
        Drug("Fentanyl", "CCC(=O)N(C1CCN(CCC2=CC=CC=C2)CC1)C1=CC=CC=C1", "DB00813"),
        Drug("Mechlorethamine", "CN(CCCl)CCCl", "DB00888"),
    ]
)
HERG = Endpoint("hERG", "hERG Blocking", "toxicity", "probability", 0, 1, "AUROC 0.84")


class NoModels(LazyAdmet):
    """As while the models are being loaded."""

    def get(self, patience):
        return None


class OneModel(LazyAdmet):
    """A stand-in for the networks."""

    def get(self, patience):
        return self

    def predict(self, mol):
        return [Prediction(HERG, 0.25, 40.0)]


@pytest.fixture
def profiler(monkeypatch):
    made = Profiler(FEW, TrainingMolecules.of([CAFFEINE], 50), NoModels())
    monkeypatch.setattr(tool, "_profilers", [made])
    monkeypatch.setattr(AdmetModels, "installed", lambda: False)
    return made


def profile(text, folder):
    return tool.profile_molecule(ProfileMolecule(molecule=text), ToolContext(artifact_dir=folder))


def values(result):
    return {finding.label: finding.value for finding in result.findings}


def test_a_smiles(profiler, tmp_path):
    result = profile("CN1C=NC2=C1C(=O)N(C(=O)N2C)C", tmp_path / "new")
    assert result.status == "ok"
    assert result.summary.startswith("Caffeine has QED 0.54, logP -1.03, weight 194.2 Da")
    found = values(result)
    assert found["nearest known drug"] == "Caffeine, which it is"
    assert found["generator's training set"] == "in it"
    assert report.NO_ADMET in result.warnings
    assert len(result.findings) <= 12
    picture, table, file = result.artifacts
    with Image.open(picture.path) as opened:
        assert opened.size[0] > 300
    with table.path.open(newline="", encoding="utf-8") as lines:
        rows = {row["property"]: row["value"] for row in csv.DictReader(lines)}
    assert (rows["formula"], rows["hydrogen-bond donors"]) == ("C8H10N4O2", "0")
    (mol,) = Chem.SDMolSupplier(str(file.path))
    assert Chem.MolToSmiles(mol) == rows["SMILES"] == CAFFEINE
    assert mol.GetProp("_Name") == "Caffeine"
    assert (table.kind, file.media_type) == ("table", "chemical/x-mdl-sdfile")


def test_stereochemistry_survives_the_files(profiler, tmp_path):
    smiles = "C[C@H](N)C(=O)N[C@@H](C)/C=C/C"
    result = profile(smiles, tmp_path)
    (mol,) = Chem.SDMolSupplier(str(result.artifacts[2].path))
    assert Chem.MolToSmiles(mol) == Chem.CanonSmiles(smiles)


def test_alerts_are_shown(profiler, tmp_path):
    plain, alarming = profile("CCCCO", tmp_path), profile("Oc1ccc(O)c(O)c1", tmp_path)
    assert "PAINS: catechol A" in values(alarming)["structural alerts"]
    assert "orange" in alarming.artifacts[0].title and "orange" not in plain.artifacts[0].title
    orange = (255, 184, 107)
    for result, is_marked in ((plain, False), (alarming, True)):
        with Image.open(result.artifacts[0].path) as opened:
            colours = {colour for _, colour in opened.convert("RGB").getcolors(1 << 20)}
        assert (orange in colours) == is_marked


def test_a_salt_is_said_to_be_reduced(profiler, tmp_path):
    result = profile("CN(C)C(=N)NC(=N)N.Cl", tmp_path)
    assert any("Counter-ions" in text for text in result.assumptions)
    assert values(result)["molecular weight"] == 129.2


def test_predictions(profiler, tmp_path, monkeypatch):
    monkeypatch.setattr(AdmetModels, "installed", lambda: True)
    result = profile("CCCCO", tmp_path)
    assert report.ADMET_LOADING in result.warnings
    monkeypatch.setattr(tool, "_profilers", [Profiler(FEW, profiler.training, OneModel())])
    result = profile("CCCCO", tmp_path)
    (finding,) = (f for f in result.findings if f.label.startswith("hERG"))
    assert (finding.value, finding.level) == (0.25, "low")
    assert finding.unit == "probability, above 40 % of approved drugs"
    assert admet.SOURCE in result.sources
    assert '"toxicity, predicted",hERG Blocking,0.25,probability,40.0,AUROC 0.84' in (
        result.artifacts[1].path.read_text(encoding="utf-8")
    )


def test_models_that_cannot_be_loaded_do_not_cost_the_profile(profiler, tmp_path, monkeypatch):
    monkeypatch.setattr(AdmetModels, "installed", lambda: True)

    class Damaged(LazyAdmet):
        def get(self, patience):
            raise ToolError("The ADMET models are damaged.")

    monkeypatch.setattr(tool, "_profilers", [Profiler(FEW, profiler.training, Damaged())])
    result = profile("CCCCO", tmp_path)
    assert result.status == "ok"
    assert "The ADMET models are damaged." in result.warnings


def test_without_a_drug_list(tmp_path, monkeypatch):
    empty = Profiler(DrugList([]), TrainingMolecules.of([], 50), NoModels())
    monkeypatch.setattr(tool, "_profilers", [empty])
    result = profile("CCCCO", tmp_path)
    assert report.NO_DRUGS in result.warnings
    with pytest.raises(ToolError, match="consilium fetch"):
        profile("caffeine", tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sarin", "it is sarin"),
        ("CC(C)OP(C)(=O)F", "nerve agent"),
        ("mechlorethamine", "nitrogen mustard"),
        ("CC(=O)N(c1ccccc1)C1CCN(CCc2ccccc2)CC1", "structure of a fentanyl"),
        ("ecstasy", "MDMA"),
        ("caffein", 'did you mean "caffeine"'),
        ("C1CC", "ring bond 1"),
    ],
)
def test_what_is_refused(profiler, tmp_path, text, said):
    with pytest.raises(ToolError, match=said):
        profile(text, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["fentanyl", "CCC(=O)N(c1ccccc1)C1CCN(CCc2ccccc2)CC1"])
def test_an_approved_medicine_is_profiled_with_a_warning(profiler, tmp_path, text):
    result = profile(text, tmp_path)
    assert result.status == "ok"
    assert any("controlled substance" in text for text in result.warnings)


def test_many_at_once_give_the_same(profiler, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: profile("Oc1ccccc1O", tmp_path), range(8)))
    assert all(result.findings == results[0].findings for result in results)
    assert len({artifact.path for result in results for artifact in result.artifacts}) == 24


def test_a_large_molecule(profiler, tmp_path):
    result = profile("C" * 140 + "O", tmp_path)
    assert report.LARGE in result.warnings


@pytest.mark.skipif(not AdmetModels.installed(), reason="needs the extra consilium[admet]")
def test_the_real_models(monkeypatch):
    """Against what admet-ai 2.0.1 itself gives for caffeine."""
    monkeypatch.undo()
    models = LazyAdmet().get(300)
    found = {p.endpoint.key: p for p in models.predict(Chem.MolFromSmiles(CAFFEINE))}
    assert len(found) == 39
    assert found["hERG"].value == pytest.approx(0.04754, abs=2e-3)
    assert found["DILI"].value == pytest.approx(0.93207, abs=2e-3)
    assert found["DILI"].percentile == pytest.approx(87.4, abs=0.3)
    assert found["Solubility_AqSolDB"].value == pytest.approx(-0.906, abs=5e-3)
    assert found["Clearance_Microsome_AZ"].value == 0  # predicted below what can be
    assert found["hERG"].endpoint.fit == "AUROC 0.84"


def test_models_of_another_version_are_not_opened(tmp_path, monkeypatch):
    folder = tmp_path / "resources/models/one"
    folder.mkdir(parents=True)
    (folder / "model_0.pt").write_bytes(b"other")
    monkeypatch.setattr(admet, "package_folder", lambda: tmp_path)
    monkeypatch.setattr(AdmetModels, "installed", lambda: True)
    with pytest.raises(ToolError, match="not those of admet-ai"):
        LazyAdmet().get(10)
