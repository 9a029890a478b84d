"""The wording of profiles and designs, from plain values."""

import subprocess
import sys

import pytest

from consilium.tools.molecules import report
from consilium.tools.molecules.properties import Properties
from consilium.tools.molecules.report import Asked, Designed, NearestDrug

ASPIRIN = Properties("C9H8O4", 180.159, 1.3101, 63.6, 0.55012, 1.58004, 1, 3, 2, 1, 13)
VANCOMYCIN = Properties("C66H75Cl2N9O24", 1449.27, 0.11, 530.5, 0.07, 8.2, 19, 25, 13, 7, 101)
MOLECULES = [
    Designed("CCO", 0.9, 1.204, 300.04, 2.04, 0.5),
    Designed("CCN", 0.8, -0.2, 250.0, 2.96, 0.312),
]


def values(result):
    return {finding.label: finding.value for finding in result.findings}


def test_a_profile():
    result = report.profile_result(
        ASPIRIN,
        name="aspirin",
        alerts=[("Brenk", "phenol ester"), ("NIH", "x"), ("Brenk", "y")],
        nearest=NearestDrug("Acetylsalicylic acid", 1.0, same=True),
        in_training_set=False,
        toxicity={
            "hERG": (0.0321, 12.4),
            "AMES": (0.6, 86.0),
            "DILI": (0.5, 55.1),
            "other": (1, 1),
        },
    )
    assert result.summary == (
        "Aspirin has QED 0.55, logP 1.31, weight 180.2 Da and synthetic accessibility 1.6; it keeps"
        " the Lipinski and Veber rules and raises 3 structural alerts."
    )
    found = values(result)
    assert len(found) == 12
    assert found["structural alerts"] == "Brenk: phenol ester, y; NIH: x"
    assert found["nearest known drug"] == "Acetylsalicylic acid, which it is"
    assert found["hERG block, predicted"] == 0.03
    levels = {finding.label: finding.level for finding in result.findings}
    assert levels["hERG block, predicted"] == "low"
    assert levels["mutagenicity (Ames), predicted"] == "high"
    assert levels["liver injury, predicted"] == "borderline"
    assert result.warnings == [report.RESEARCH_USE]


def test_a_large_molecule_without_lists():
    result = report.profile_result(VANCOMYCIN)
    assert result.summary.startswith("The molecule has QED 0.07")
    assert "breaks 3 of 4 Lipinski and 2 of 2 Veber limits" in result.summary
    assert "no structural alerts" in result.summary
    assert report.LARGE in result.warnings and report.NO_DRUGS in result.warnings
    assert "nearest known drug" not in values(result)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"logp": 5.2}, "breaks 1 of 4 Lipinski limits"),
        ({"tpsa": 150}, "breaks 1 of 2 Veber limits"),
        ({"logp": 5, "tpsa": 140, "weight": 500, "rotatable_bonds": 10}, "keeps the Lipinski"),
    ],
)
def test_verdicts(change, verdict):
    changed = Properties(**{**vars(ASPIRIN), **change})
    assert verdict in report.profile_result(changed).summary


def test_a_design():
    asked = Asked(2, "aspirin", min_qed=0.5, max_logp=3, max_weight=350)
    result = report.design_result(MOLECULES, asked, tried=900)
    assert result.summary == (
        "Found 2 new molecules with QED at least 0.5, logP at most 3, weight at most 350 Da and"
        " similarity to the lead: QED 0.80 to 0.90, logP -0.20 to 1.20, weight 250.0 to 300.0 Da,"
        " Tanimoto similarity 0.31 to 0.50."
    )
    assert len(result.summary.split()) <= 45
    found = values(result)
    assert (found["molecules found"], found["molecule 1"]) == ("2 of 2", "CCO")
    weight = next(f for f in result.findings if f.label == "molecular weight")
    assert weight.interval == (250.0, 300.0)
    assert len(result.findings) <= 12
    assert report.NOT_MADE in result.warnings


def test_fewer_than_asked_for_names_what_is_in_the_way():
    asked = Asked(10, max_logp=-1, max_weight=200)
    result = report.design_result(
        MOLECULES[:1],
        asked,
        tried=4000,
        blocking=["max_weight", "max_logp"],
        reached={"max_weight": 195.04, "max_logp": -2},
    )
    assert result.summary.startswith("Found 1 of 10 new molecules with logP at most -1 and weight")
    assert result.warnings[0] == (
        "What stands in the way most is weight at most 200 Da (lightest seen 195.0 Da), together"
        " with logP at most -1."
    )


def test_nothing_found():
    result = report.design_result(
        [], Asked(5, max_weight=20), tried=4000, blocking=["max_weight"], reached={"max_weight": 60}
    )
    assert result.abstained
    assert result.summary == (
        "No molecule was designed: none of 4,000 molecules tried is new and has weight at most 20"
        " Da. What stands in the way is weight at most 20 Da (lightest seen 60.0 Da)."
    )
    assert values(result) == {"molecules found": "0 of 5"}


def test_no_limit_is_blamed_for_what_is_known_or_stopped_by_the_gate():
    asked = Asked(2, max_weight=300)
    result = report.design_result(
        [], asked, tried=4000, known=1, refused=2, blocking=["max_weight"]
    )
    assert result.summary == (
        "No molecule was designed: none of 4,000 molecules tried is new, passes the safety gate and"
        " has weight at most 300 Da. Within the limits, but known already: 1; stopped by the safety gate: 2."
    )


def test_fifty_molecules_stay_readable():
    result = report.design_result(MOLECULES * 25, Asked(50), tried=500)
    assert len(result.findings) <= 12
    assert result.summary.startswith("Found 50 new molecules: QED")


def test_the_wording_needs_neither_torch_nor_rdkit():
    code = (
        "import sys, consilium.tools.molecules.report\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'rdkit', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
