"""Cohort files of every kind that is recognised, and those that are refused."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from consilium.tools.contract import ToolError
from consilium.tools.risk.data import CENSORED, EVENT, OTHER_DEATH, read_cohort
from consilium.tools.risk.features import INDEX, people_of, rows_of

SHARED = Path(os.environ.get("CONSILIUM_SHARED", Path(__file__).parents[4] / "shared"))
COHORTS = SHARED / "data" / "risk"
needs_cohorts = pytest.mark.skipif(not COHORTS.exists(), reason="needs the shared cohorts")

OWN = "age,sex,total_cholesterol,hdl_cholesterol,systolic_bp,diabetes,years,event,died"


def written(folder, *lines, name="cohort.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_own_columns(tmp_path):
    cohort = read_cohort(
        written(
            tmp_path,
            OWN + ",cholesterol_unit,race",
            "61,female,6.1,1.2,150,yes,8.5,1,0,mmol/L,black",
            "47,male,200,50,120,no,10,0,0,mg/dL,white",
            "70,male,200,,120,no,3,0,1,,",
        )
    )
    assert list(cohort.status) == [EVENT, CENSORED, OTHER_DEATH]
    assert cohort.rows[0, INDEX["total_cholesterol"]] == pytest.approx(6.1 / 0.02586)
    assert cohort.rows[1, INDEX["total_cholesterol"]] == 200
    assert list(cohort.rows[:, INDEX["female"]]) == [1, 0, 0]
    assert list(cohort.rows[:, INDEX["diabetes"]]) == [1, 0, 0]
    assert np.isnan(cohort.rows[2, INDEX["hdl_cholesterol"]])
    assert cohort.unknown == ["bp_treated", "smoker", "statin", "egfr", "bmi"]
    np.testing.assert_array_equal(cohort.black, [1, 0, np.nan])


def test_sex_by_number_with_a_gap(tmp_path):
    rows = [f"61,{sex},250,50,150,0,8,1,0" for sex in ("2", "1", "")]
    cohort = read_cohort(written(tmp_path, OWN, *rows))
    assert list(cohort.rows[:, INDEX["female"]]) == [1, 0]
    assert cohort.dropped == 1


def test_semicolons_and_gzip(tmp_path):
    text = OWN.replace(",", ";") + "\n61;f;250;50;150;0;8.5;1;0\n"
    path = tmp_path / "cohort.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert len(read_cohort(path)) == 1


def test_impossible_rows_are_counted_not_used(tmp_path):
    cohort = read_cohort(
        written(
            tmp_path,
            OWN,
            "61,female,250,50,150,0,8.5,1,0",
            "61,female,6.1,1.2,150,0,8.5,1,0",  # mmol/L without saying so
            "61,female,250,50,12,0,8.5,1,0",
            "61,female,250,50,150,7,8.5,1,0",
            "61,female,250,50,150,0,,1,0",
            "61,female,250,50,150,0,-1,1,0",
            "61,female,250,50,150,0,3,,0",
            ",female,250,50,150,0,3,0,0",
        )
    )
    assert (len(cohort), cohort.dropped) == (1, 7)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([""], "empty or is not a CSV"),
        (["age,sex", "50,male"], "names no outcome"),
        (["sex,years,event", "male,3,1"], "does not say the people's age"),
        ([OWN, '"6,1",female,250,50,150,0,8,1,0'], 'column age holds "6,1"'),
        ([OWN, "61,female,250,50,high,0,8,1,0"], 'column systolic_bp holds "high"'),
        ([OWN], "no usable row|does not say"),
        ([OWN, "61,female,250,50,150,0,8,1,0", "61,female,250,50,150,0,8,2,0"], "event holds 2"),
        ([OWN, "61,female,250,50,150,0,8,0,2"], "died holds 2"),
        ([OWN, "61,1,250,50,150,0,8,1,0", "61,0,250,50,150,0,8,1,0"], "sex holds 0"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, lines, says):
    with pytest.raises(ToolError, match=says):
        read_cohort(written(tmp_path, *lines))


def test_a_picture_is_no_cohort(tmp_path):
    path = tmp_path / "cohort.csv"
    path.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(ToolError):
        read_cohort(path)


def test_other_deaths_stay_at_risk(tmp_path):
    cohort = read_cohort(
        written(
            tmp_path,
            OWN + ",cycle,seqn",
            *(f"60,male,200,50,120,0,{y},0,0,1999-2000,{n}" for n, y in enumerate((7, 8, 9))),
            "60,male,200,50,120,0,2,0,1,1999-2000,3",
            "60,male,200,50,120,0,2,1,0,1999-2000,4",
            "60,male,200,50,120,0,6,0,0,2009-2010,5",
            "60,male,200,50,120,0,1,0,1,2009-2010,6",
        )
    )
    years, event = cohort.time_at_risk(10)
    assert list(years) == [7, 8, 9, 8, 2, 6, 6]
    assert list(event) == [0, 0, 0, 0, 1, 0, 0]
    assert list(cohort.time_at_risk(1.5)[1]) == [0] * 7


def test_rows_and_people_are_the_same(tmp_path):
    cohort = read_cohort(
        written(
            tmp_path,
            OWN + ",bp_treated,smoker,statin,egfr,bmi",
            "61,female,250,50,150,1,8,1,0,1,0,1,80,27",
            "61,female,250,50,150,,8,1,0,1,0,1,80,27",
        )
    )
    people = people_of(cohort.rows)
    np.testing.assert_array_equal(rows_of(people)[0], cohort.rows[0])
    assert np.isnan(people.age[1])  # not known is not "no": no equation may read this row


@needs_cohorts
@pytest.mark.parametrize(
    ("file", "people", "events", "within_10"),
    [
        ("nhanes_mortality/nhanes_1999_2018_cvd_mortality.csv.gz", 23960, 692, 424),
        ("wcgs/wcgs.csv", 3154, 257, 257),
        ("framingham/framingham_exam1_baseline.csv", 4215, 996, 369),
        ("framingham/framingham_longitudinal.csv.gz", 4215, 996, 369),
        ("framingham/framingham_exam3_with_hdl.csv", 2854, 467, 398),
    ],
)
def test_shared_cohorts_are_read_as_their_provenance_says(file, people, events, within_10):
    cohort = read_cohort(COHORTS / file)
    assert len(cohort) == people
    assert (cohort.status == EVENT).sum() == events
    assert ((cohort.status == EVENT) & (cohort.years <= 10)).sum() == within_10
