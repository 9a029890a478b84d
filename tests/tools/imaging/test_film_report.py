"""The wording of a reading."""

import pytest

from consilium.tools.imaging import report
from consilium.tools.imaging.report import build_result, cautions


def test_a_reading():
    result = build_result(0.8741, (0.8113, 0.9179), "likely", facts={"view": "PA"})
    assert result.summary == (
        "The film reader gives pneumonia a probability of 87 % (95 % interval 81 % to 92 %): likely."
    )
    assert result.status == "ok"
    pneumonia, view = result.findings
    assert (pneumonia.value, pneumonia.interval, pneumonia.level) == (
        0.874,
        (0.811, 0.918),
        "likely",
    )
    assert pneumonia.unit == "probability"
    assert (view.label, view.value, view.level) == ("view", "PA", "info")
    assert report.PREVALENCE in result.assumptions
    assert result.sources == [report.SOURCE]


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.5, "50 %"), (0.994, "99 %"), (0.9967, "99.7 %"), (1.0, "99.9 %"), (0.0, "0.1 %")],
)
def test_certainty_is_never_claimed(probability, text):
    assert f"a probability of {text}: likely." in build_result(probability, None, "likely").summary


def test_certainty_is_not_claimed_by_the_findings_either():
    finding = build_result(0.99971, (0.0002, 0.99996), "likely").findings[0]
    assert (finding.value, finding.interval) == (0.999, (0.001, 0.999))


def test_an_abstention():
    result = build_result(None, reason=report.OUTSIDE)
    assert result.abstained
    assert result.findings[0].value is None
    assert result.summary.endswith(report.OUTSIDE + ".")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"age": "4"}, []),
        ({"age": "64"}, [report.ADULT.format(adult_auc=0.81)]),
        ({"age": "90+"}, [report.ADULT.format(adult_auc=0.81)]),
        ({}, [report.AGE_UNKNOWN.format(adult_auc=0.81)]),
        ({"age": "4", "view": "LL", "colour": "yes"}, [report.LATERAL, report.COLOUR]),
    ],
)
def test_cautions(facts, expected):
    assert cautions(facts, adult_auc=0.81) == expected
