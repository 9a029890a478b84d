"""The MOSES figures against values worked out by other means."""

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from scipy.linalg import sqrtm

from consilium.tools.contract import ToolError
from consilium.tools.molecules import evaluate
from consilium.tools.molecules.metrics import chemnet
from consilium.tools.molecules.metrics.chemnet import Gaussian, frechet
from consilium.tools.molecules.metrics.filters import Filters
from consilium.tools.molecules.metrics.fragments import cosine, fragments, scaffolds
from consilium.tools.molecules.metrics.properties import PROPERTIES, properties
from consilium.tools.molecules.metrics.reference import Reference
from consilium.tools.molecules.metrics.similarity import (
    fingerprints,
    internal_similarity,
    nearest,
)

ONES = [  # canonical, as those of MOSES are
    "CC(=O)Oc1ccccc1C(=O)O",
    "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
    "O=C(Nc1ccc(Cl)cc1)C1CCCN1S(=O)(=O)c1cccs1",
    "COc1ccc(-c2cc(=O)c3c(O)cccc3o2)cc1",
]
OTHERS = ["CC(=O)Nc1ccc(O)cc1", "O=C(C1CC1)N1CCc2ccccc21", "CCN(CC)CCNC(=O)c1ccc(N)cc1"]


@pytest.fixture
def ones():
    return [Chem.MolFromSmiles(text) for text in ONES]


@pytest.fixture
def others():
    return [Chem.MolFromSmiles(text) for text in OTHERS]


def similarity(one, other):
    maker = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    return DataStructs.TanimotoSimilarity(maker.GetFingerprint(one), maker.GetFingerprint(other))


def test_nearest_neighbours_are_those_of_rdkit(ones, others):
    expected = [max(similarity(one, other) for other in others) for one in ones]
    assert nearest(fingerprints(ones), fingerprints(others)) == pytest.approx(expected)
    assert nearest(fingerprints(ones), fingerprints(ones)) == pytest.approx(np.ones(5))


@pytest.mark.parametrize("power", [1, 2])
def test_internal_similarity_counts_each_molecule_itself(ones, power):
    table = np.array([[similarity(a, b) for b in ones] for a in ones]) ** power
    found = internal_similarity(fingerprints(ones), power)
    assert found == pytest.approx(table.mean(1) ** (1 / power))


def test_fragments_and_scaffolds_are_counted(ones):
    assert fragments([Chem.MolFromSmiles("CCOc1ccccc1")]) == {
        "[3*]O[3*]": 1,
        "[4*]CC": 1,
        "[16*]c1ccccc1": 1,
    }
    # One ring is no scaffold here.
    assert scaffolds(ones[:1]) == {}
    assert sum(scaffolds(ones).values()) == 3


def test_cosine_of_counts():
    assert cosine({"a": 2, "b": 1}, {"a": 4, "b": 2}) == pytest.approx(1)
    assert cosine({"a": 1}, {"b": 1}) == 0
    assert cosine({"a": 3, "b": 4}, {"a": 1}) == pytest.approx(0.6)
    assert np.isnan(cosine({}, {"a": 1}))


def test_frechet_distance_is_the_one_by_the_matrix_root():
    rng = np.random.default_rng(1)
    one, other = (
        Gaussian.of((rng.normal(size=(60, 6)) @ rng.normal(size=(6, 6))).astype(np.float32))
        for _ in range(2)
    )
    root = sqrtm(one.covariance @ other.covariance)
    expected = np.square(one.mean - other.mean).sum() + np.trace(
        one.covariance + other.covariance - 2 * np.real(root)
    )
    assert frechet(one, other) == pytest.approx(float(expected), rel=1e-6)
    assert frechet(one, one) == pytest.approx(0, abs=1e-6)
    moved = Gaussian(one.mean + 2, one.covariance)
    assert frechet(one, moved) == pytest.approx(24)


def test_chemnet_sees_what_the_package_shows_it():
    utils = pytest.importorskip("fcd_torch.utils")
    import torch

    found = chemnet.activations(ONES[:2])
    given = np.stack([utils.SmilesDataset(ONES[:2], canonize=False)[i] for i in range(2)])
    with torch.inference_mode():
        expected = chemnet.chemnet()(torch.as_tensor(given).transpose(1, 2).float())
    assert found == pytest.approx(expected.numpy(), abs=1e-6)
    assert found.shape == (2, 512)


def test_filters_stop_what_moses_stops(tmp_path):
    plain = Filters(None)
    assert not plain.complete
    passing = Chem.MolFromSmiles("CC(=O)Nc1ccc(OC)cc1")
    assert plain.passes(passing)
    for smiles in (
        "CC[N+](C)(C)C",  # a charge
        "CC[Si](C)(C)C",  # an atom that is not allowed
        "C1CCCCCCC1",  # a ring of eight
        "O=C1C=CC(=O)C=C1",  # PAINS: a quinone
    ):
        assert not plain.passes(Chem.MolFromSmiles(smiles)), smiles
    aldehyde = Chem.MolFromSmiles("CCC=O")
    file = tmp_path / "mcf.csv"
    file.write_text("names,smarts\nMCF7,[#6&!H0]=[#8]\n")
    more = Filters(file)
    assert more.complete and plain.passes(aldehyde) and not more.passes(aldehyde)
    assert more.passes(passing)
    file.write_text("a,b\n1,2\n")
    with pytest.raises(ToolError, match="column smarts"):
        Filters(file)


def test_properties_are_rdkits(ones):
    values = properties(ones)
    assert [prop.name for prop in PROPERTIES] == ["logP", "SA", "QED", "weight"]
    assert values[0] == pytest.approx([1.31, 1.58, 0.55, 180.16], abs=0.01)


def test_reference_is_kept_by_the_hash_of_its_file(tmp_path, monkeypatch):
    file = tmp_path / "set.smi"
    file.write_text("\n".join(ONES * 2) + "\n")
    first = Reference.of_file(file, tmp_path / "cache")
    monkeypatch.setattr(Reference, "of", None)  # a second computation would fail
    again = Reference.of_file(file, tmp_path / "cache")
    assert np.array_equal(first.bits, again.bits)
    assert np.array_equal(first.chemnet.covariance, again.chemnet.covariance)
    assert (first.fragments, first.scaffolds) == (again.fragments, again.scaffolds)
    assert len(again.properties) == 2 * len(ONES)


def test_a_reference_without_properties_is_kept_apart(tmp_path):
    file = tmp_path / "set.smi"
    file.write_text("\n".join(ONES) + "\n")
    without = Reference.of_file(file, tmp_path, with_properties=False)
    assert without.properties.shape == (0, 4) and len(without.bits) == len(ONES)
    assert len(Reference.of_file(file, tmp_path).properties) == len(ONES)


def test_a_file_is_measured(tmp_path):
    train, test, made = (tmp_path / name for name in ("train.csv", "test.csv", "made.smi"))
    train.write_text("SMILES,SPLIT\n" + "".join(f"{text},train\n" for text in OTHERS))
    test.write_text("SMILES\n" + "".join(f"{text}\n" for text in ONES * 2))
    made.write_text("\n".join([*ONES, OTHERS[0], OTHERS[0], "C1CC", "no molecule"]) + "\n")
    report = evaluate.evaluate(made, train, test, test, tmp_path / "cache")
    figures = {name: figure.value for name, figure in report.figures.items()}
    assert figures["valid"] == pytest.approx(7 / 9)
    assert figures["unique@1000"] == figures["unique@10000"] == pytest.approx(6 / 7)
    assert figures["Novelty"] == pytest.approx(5 / 6)
    assert figures["SNN/test"] > 0.7
    assert figures["FCD/test"] == figures["FCD/scaffolds"] > 0
    assert {"IntDiv", "IntDiv2", "Filters", "logP", "SA", "QED", "weight"} <= figures.keys()
    assert report.molecules == 9
    assert not any("canonical" in note for note in report.notes)
    text = evaluate.as_text(report)
    assert "LatentGAN" in text and "without the MCF patterns" in text and "n = 9" in text


def test_molecules_measured_against_themselves_are_at_no_distance(tmp_path):
    file = tmp_path / "set.csv"
    file.write_text("SMILES\n" + "".join(f"{text}\n" for text in ONES))
    report = evaluate.evaluate(file, file, file, None, tmp_path / "cache")
    values = {name: figure.value for name, figure in report.figures.items()}
    # ChemNet's numbers come in single precision, and five molecules fill no covariance.
    assert values["FCD/test"] == pytest.approx(0, abs=1e-3)
    assert values["SNN/test"] == values["valid"] == 1
    assert values["Frag/test"] == pytest.approx(1) and values["Scaf/test"] == pytest.approx(1)
    assert values["Novelty"] == values["logP"] == values["weight"] == 0


def test_a_training_set_that_is_not_canonical_is_told_of(tmp_path):
    train, file = tmp_path / "train.smi", tmp_path / "set.smi"
    train.write_text("OCC\n" * 3)
    file.write_text("\n".join(ONES))
    report = evaluate.evaluate(file, train, file, None, tmp_path / "cache")
    assert any("canonical" in note for note in report.notes)


def test_intervals():
    half = evaluate.share(50, 100)
    assert (half.low, half.high) == (
        pytest.approx(0.4038, abs=1e-3),
        pytest.approx(0.5962, abs=1e-3),
    )
    assert evaluate.share(30, 30).high == 1 and evaluate.share(30, 30).low < 0.9
    middle = evaluate.mean(np.array([1.0, 2.0, 3.0, 4.0]))
    assert middle.value == 2.5 and middle.low < 1.5 < 3.5 < middle.high


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.smi", "", "holds no molecules"),
        ("other.csv", "name,price\na,1\n", "no column SMILES"),
        ("broken.csv.gz", "not zipped", "cannot be read"),
        ("one.smi", "CCO\n", "too few"),
        ("none.smi", "x\ny\nz\n", "no two valid"),
    ],
)
def test_files_that_cannot_be_measured_say_why(tmp_path, name, content, says):
    good = tmp_path / "good.smi"
    good.write_text("\n".join(ONES))
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(ToolError, match=says):
        evaluate.evaluate(file, good, good, None, tmp_path / "cache")
