"""The wording of an estimate."""

import pytest

from consilium.tools.risk import report
from consilium.tools.risk.report import Change, Driver, Estimate, build_result, shown

BOTH = [
    Estimate("prevent_cvd", 18.27, (15.61, 21.13)),
    Estimate("prevent_ascvd", 11.4, (9.5, 13.7)),
    Estimate("learned", 6.2, (4.1, 8.5)),
]


def test_a_full_estimate():
    result = build_result(
        BOTH,
        changes=[Change("smoking", 12.1), Change("statin", 16.4), Change("all", 7.8)],
        drivers=[Driver("systolic pressure 162 mmHg", 6.11), Driver("woman", -0.8)],
        assumptions=[report.taken_as_absent({"diabetes": 31.26})],
    )
    assert result.summary == (
        "10-year risk of cardiovascular disease by PREVENT is 18.3 % (15.6 to 21.1 %, if measured "
        "again); its atherosclerotic part, 11.4 %, is high risk (2026 ACC/AHA dyslipidemia "
        "guideline); smoking stopped would lower it most, to 12.1 %."
    )
    lead = result.findings[0]
    assert (lead.value, lead.unit, lead.interval) == (18.3, "%", (15.6, 21.1))
    assert result.findings[1].level == "high"
    assert "guideline" in result.findings[1].label
    values = {f.label: f.value for f in result.findings}
    assert values["PREVENT with all of these together"] == 7.8
    assert values["what weighs most"] == (
        "systolic pressure 162 mmHg: +6.1 points; woman: -0.8 points"
    )
    assert "Assumed, unless stated: no diabetes (else 31.3 %)." in result.assumptions
    assert report.DEATH_ONLY in result.warnings
    assert report.NO_EGFR not in result.assumptions
    assert [source.name for source in result.sources] == [report.PREVENT.name, report.LEARNED.name]


def test_without_egfr_it_says_so():
    result = build_result(BOTH[:2], egfr_given=False)
    assert "over repeat measurements and likely eGFR" in result.summary
    assert report.NO_EGFR in result.assumptions


def test_where_the_learned_model_leads():
    result = build_result([BOTH[2]], not_covered="age 82")
    assert result.summary == (
        "10-year risk of cardiovascular death by the learned model is 6.2 % (4.1 to 8.5 %, 95 % "
        "interval); PREVENT does not cover age 82."
    )
    assert report.DEATH_ONLY not in result.warnings
    assert report.RANGE_PREVENT not in result.assumptions


def test_a_goal_that_gains_nothing_is_not_named():
    result = build_result(BOTH[:2], changes=[Change("total_cholesterol", 18.8)])
    assert "would lower" not in result.summary
    assert report.WHAT_IF_RAISES in result.warnings
    all_only = build_result(BOTH[:2], changes=[Change("statin", 18.2), Change("all", 9.0)])
    assert "would lower" not in all_only.summary


@pytest.mark.parametrize(
    ("percent", "figure"),
    [(9.96, 10.0), (0.149, 0.1), (0.071, 0.07), (0.0001, 0.01), (99.99, 99.9), (24.86, 24.9)],
)
def test_nobody_is_told_zero_or_certain(percent, figure):
    assert shown(percent) == figure


@pytest.mark.parametrize(
    ("kind", "percent", "level"),
    [
        ("prevent_ascvd", 2.9, "low"),
        ("prevent_ascvd", 3.0, "borderline"),
        ("prevent_ascvd", 9.9, "indeterminate"),
        ("prevent_ascvd", 10.0, "high"),
        ("pce", 4.9, "low"),
        ("pce", 7.4, "borderline"),
        ("pce", 19.9, "indeterminate"),
        ("pce", 20.0, "high"),
        ("learned", 20.0, "info"),
        ("prevent_heart_failure", 20.0, "info"),
    ],
)
def test_categories_belong_to_their_own_equation(kind, percent, level):
    assert build_result([Estimate(kind, percent)]).findings[0].level == level


def test_summaries_stay_short():
    result = build_result(
        BOTH, egfr_given=False, changes=[Change("total_cholesterol", 9.1), Change("all", 8.0)]
    )
    assert len(result.summary.split()) <= 46
    assert len(result.findings) <= 12
