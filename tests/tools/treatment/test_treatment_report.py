"""The wording of a forecast, from plain numbers."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilium.tools.treatment import report
from consilium.tools.treatment.report import build_result, rounded, volume
from consilium.tools.treatment.trajectory import Trajectory

NONE = Trajectory("none", [16.0, 17.53], [14.0, 14.4], [18.0, 121.3])
CHEMO = Trajectory("chemotherapy", [14.5, 13.96], [13.0, 12.4], [15.0, 14.3])
BOTH = Trajectory("chemoradiotherapy", [12.0, 4.2041], [8.0, 2.871], [14.0, 5.8])


def test_the_best_plan_with_the_next():
    result = build_result([NONE, BOTH, CHEMO], 15.2, most_telling="visit 2 (its treatment)")
    assert result.summary == (
        "The forecast volume in 2 visits is lowest under chemoradiotherapy, 4.20 cm3 "
        "(90 % interval 2.87 to 5.80); next is chemotherapy, 14.0 cm3 (12.4 to 14.3); their "
        "intervals do not overlap."
    )
    assert result.status == "ok"
    found = {finding.label: finding for finding in result.findings}
    assert len(found) == len(result.findings) == 7
    both = found["volume in 2 visits, chemoradiotherapy"]
    assert (both.value, both.interval, both.unit) == (4.2, (2.87, 5.8), "cm3")
    assert found["volume in 2 visits, no treatment"].interval == (14.4, 121)
    assert found["lowest volume under"].value == "chemoradiotherapy"
    assert found["difference to chemotherapy"].value == 9.8
    assert found["volume now"].value == 15.2
    assert found["the forecast rests most on"].value == "visit 2 (its treatment)"
    assert report.ORIGIN in result.warnings
    assert report.SPACING in result.assumptions
    assert result.sources == [report.SOURCE]


def test_overlap_is_said():
    touching = Trajectory("radiotherapy", [15.0, 15.2], [12.0, 14.3], [16.0, 16.1])
    assert "their intervals overlap" in build_result([touching, CHEMO]).summary


def test_one_plan_is_set_against_now():
    single = Trajectory("none", [17.5], [14.4], [21.3])
    assert build_result([single], 15.2).summary == (
        "Under no treatment the forecast volume at the next visit is 17.5 cm3 "
        "(90 % interval 14.4 to 21.3), after 15.2 cm3 now."
    )


def test_two_plans_that_come_out_the_same():
    other = Trajectory("radiotherapy", [16.0, 17.51], [14.0, 14.4], [18.0, 20.3])
    summary = build_result([NONE, other]).summary
    assert "lowest, and the same, under radiotherapy, 17.5 cm3" in summary
    assert "no treatment" in summary


def test_an_abstention():
    result = build_result([], reason=report.UNLIKE.format(visit=3))
    assert result.abstained
    assert "the change to visit 3" in result.summary
    assert not result.findings


@pytest.mark.parametrize(
    ("cm3", "text"),
    [
        (0.0, "under 0.01"),
        (0.0051, "0.01"),
        (3.1, "3.10"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (99.96, "100"),
        (1150.35, "1150"),
    ],
)
def test_volumes_in_words(cm3, text):
    assert volume(cm3) == text


@given(st.floats(0, 1150))
def test_words_and_findings_are_rounded_alike(cm3):
    text = volume(cm3)
    if text.startswith("under"):
        assert rounded(cm3) <= 0.01
    else:
        assert float(text) == rounded(cm3)


volumes = st.lists(st.floats(0.001, 1150), min_size=1, max_size=6)


@given(st.lists(volumes, min_size=1, max_size=4), st.booleans())
def test_any_forecast_makes_a_short_summary(paths, now):
    plans = ["none", "chemotherapy", "radiotherapy", "chemoradiotherapy"]
    horizon = min(map(len, paths))
    trajectories = [
        Trajectory(plan, p[:horizon], [v / 2 for v in p[:horizon]], [v * 2 for v in p[:horizon]])
        for plan, p in zip(plans, paths, strict=False)
    ]
    result = build_result(trajectories, 12.0 if now else None)
    assert len(result.summary.split()) <= 40
    assert len(result.findings) <= 12


def test_whole_numbers_are_asked_about():
    assert "35 mm would be 22.4 cm3" in report.whole_numbers(35)


def test_the_wording_needs_no_torch():
    code = "import sys, consilium.tools.treatment.report; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
