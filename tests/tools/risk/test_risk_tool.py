"""The tool with the inputs that people really send."""

import csv
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from consilium.tools.contract import ToolContext, ToolError
from consilium.tools.risk import report
from consilium.tools.risk.contract import PredictRisk
from consilium.tools.risk.person import to_mmol
from consilium.tools.risk.tool import predict_risk

PATIENT = {
    "age": 62, "sex": "female", "total_cholesterol": 228, "hdl_cholesterol": 44,
    "systolic_bp": 162, "bp_treated": True, "smoker": True, "egfr": 72, "bmi": 31,
}  # fmt: skip


def call(folder, **values):
    given = {k: v for k, v in (PATIENT | values).items() if v is not None}
    return predict_risk(PredictRisk(**given), ToolContext(artifact_dir=folder))


def value(result, start):
    return next(f for f in result.findings if f.label.startswith(start))


def test_a_patient_with_everything_stated(tmp_path):
    result = call(tmp_path, diabetes=False, statin=False, cholesterol_unit="mg/dL")
    assert result.status == "ok"
    lead = value(result, report.LABELS["prevent_cvd"])
    assert result.findings[0] == lead
    assert f"by PREVENT is {lead.value} %" in result.summary
    assert lead.interval[0] < lead.value < lead.interval[1]
    death = value(result, report.LABELS["learned"])
    assert death.value < lead.value and death.interval[0] < death.value < death.interval[1]
    assert value(result, "PREVENT with smoking stopped").value < lead.value
    assert "systolic pressure 162 mmHg: +" in value(result, "what weighs most").value
    assert len(result.findings) <= 12
    assert report.IN_MG not in result.assumptions and report.NO_BMI not in result.assumptions


def test_picture_and_table(tmp_path):
    picture, table = call(
        tmp_path, total_cholesterol=5.9, hdl_cholesterol=1.1, cholesterol_unit="mmol/L"
    ).artifacts
    with Image.open(picture.path) as image:
        assert image.size[0] > 600
    rows = list(csv.DictReader(table.path.open()))
    base, *drivers = [r for r in rows if not r["what"].startswith("with ")]
    points = sum(float(r["percentage points"]) for r in drivers[:-1])
    total = float(base["risk in percent"]) + points
    assert total == pytest.approx(float(drivers[-1]["risk in percent"]), abs=0.1)
    assert "total cholesterol 5.9 mmol/L" in {r["what"] for r in rows}
    assert (table.kind, table.media_type) == ("table", "text/csv")


def test_only_the_required_values(tmp_path):
    result = call(tmp_path, bp_treated=None, smoker=None, egfr=None, bmi=None)
    assert "likely eGFR" in result.summary
    assumed = result.assumptions[0]
    for word in (
        "no diabetes (else ",
        "no smoking (else ",
        "no statin (else ",
        "no blood pressure",
    ):
        assert word in assumed
    assert {report.NO_EGFR, report.NO_BMI, report.NO_RACE, report.IN_MG} <= set(result.assumptions)
    with_egfr = call(tmp_path, bp_treated=None, smoker=None, bmi=None)
    width = [
        (r.findings[0].interval[1] - r.findings[0].interval[0]) / r.findings[0].value
        for r in (result, with_egfr)
    ]
    assert width[0] > width[1] * 0.95


def test_mmol_is_mg(tmp_path):
    mg = call(tmp_path)
    mmol = call(
        tmp_path,
        total_cholesterol=to_mmol(228),
        hdl_cholesterol=to_mmol(44),
        cholesterol_unit="mmol/L",
    )
    assert [f.value for f in mg.findings[:5]] == [f.value for f in mmol.findings[:5]]


@pytest.mark.parametrize(
    ("values", "leads", "says"),
    [
        ({"age": 82}, "learned", "PREVENT does not cover age 82"),
        ({"total_cholesterol": 350}, "learned", "does not cover total cholesterol 350 mg/dL"),
        ({"systolic_bp": 210}, "learned", "does not cover systolic pressure 210 mmHg"),
        ({"egfr": 45}, "prevent_cvd", "by PREVENT"),
        ({"age": 35}, "prevent_cvd", "by PREVENT"),
        ({"bmi": 52}, "prevent_cvd", "by PREVENT"),
    ],
)
def test_who_leads(tmp_path, values, leads, says):
    result = call(tmp_path, **values)
    assert result.findings[0].label.startswith(report.LABELS[leads])
    assert says in result.summary
    kinds = {f.label.split(":")[0] for f in result.findings}
    assert (report.LABELS["learned"] in kinds) == (values.get("egfr") != 45)
    assert (report.LABELS["prevent_cvd_30"] in kinds) == (values.get("age") == 35)
    assert (report.LABELS["prevent_heart_failure"] in kinds) == (
        leads == "prevent_cvd" and "bmi" not in values
    )
    if leads == "learned" or values.keys() & {"egfr", "bmi"}:
        assert any("outside the range" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"age": 19}, "19 years is outside the range of PREVENT, 30 to 79 years"),
        ({"age": 95}, "30 to 79 years"),
        ({"systolic_bp": 12}, "12 mmHg cannot be right"),
        ({"total_cholesterol": 7.2}, "7.2 mg/dL cannot be right and looks like mmol/L"),
        ({"hdl_cholesterol": 240, "total_cholesterol": 228}, "cannot be right"),
        ({"hdl_cholesterol": 150, "total_cholesterol": 140}, "must be below total cholesterol"),
        ({"systolic_bp": -120}, "cannot be right"),
        ({"egfr": 9}, "eGFR 9 .* outside the range of PREVENT, 15 to 140"),
        ({"bmi": 3}, "BMI 3 .* cannot be right"),
    ],
)
def test_bad_values_are_refused_in_one_sentence(tmp_path, values, says):
    with pytest.raises(ToolError, match=says):
        call(tmp_path, **values)
    assert not list(tmp_path.iterdir())


def test_twice_and_in_parallel_the_same(tmp_path):
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: call(tmp_path), range(3)))
    assert all(r.findings == results[0].findings for r in results)
    assert len({a.id for r in results for a in r.artifacts}) == 6
