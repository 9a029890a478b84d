"""PREVENT against its published worked example, the shared vectors, and what medicine says must rise."""

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilium.tools.risk import prevent
from consilium.tools.risk.person import People, Person, to_mg

SHARED = Path(os.environ.get("CONSILIUM_SHARED", Path(__file__).parents[3].parent / "shared"))
VECTORS = SHARED / "data" / "risk" / "equations" / "test_vectors.json"
VECTOR_NAMES = {
    "total_c": "total_cholesterol",
    "hdl_c": "hdl_cholesterol",
    "sbp": "systolic_bp",
    "dm": "diabetes",
    "smoking": "smoker",
    "bp_tx": "bp_treated",
    "sdi_decile": "sdi",
}

# Khan 2024, Supplemental Table S25.
EXAMPLE = Person(
    age=50,
    sex="female",
    total_cholesterol=200,
    hdl_cholesterol=45,
    systolic_bp=160,
    bp_treated=True,
    diabetes=True,
    egfr=90,
    bmi=35,
)
EXAMPLE_RISKS = {
    10: {"total_cvd": 0.147, "ascvd": 0.092, "heart_failure": 0.081, "chd": 0.044, "stroke": 0.054},
    30: {"total_cvd": 0.530, "ascvd": 0.354, "heart_failure": 0.390, "chd": 0.198, "stroke": 0.221},
}


def one(person, outcome="total_cvd", years=10, model="base", **kw):
    return float(prevent.risk(People.of([person]), outcome, years, model, **kw)[0])


def same_for_one(person, outcome="total_cvd", years=10, model="base"):
    among_many, alone = (
        one(person, outcome, years, model),
        prevent.risk_of(person, outcome, years, model),
    )
    if alone is None:
        return math.isnan(among_many)
    return among_many == pytest.approx(alone, rel=1e-12)


def half_up(fraction, decimals=3):
    return math.floor(fraction * 10**decimals + 0.5) / 10**decimals


def test_the_published_worked_example():
    for years, risks in EXAMPLE_RISKS.items():
        for outcome, expected in risks.items():
            assert half_up(one(EXAMPLE, outcome, years)) == expected, (years, outcome)
    assert one(EXAMPLE) == pytest.approx(0.14684, abs=5e-6)
    assert one(replace(EXAMPLE, sex="male")) == pytest.approx(0.16317, abs=5e-6)


def test_every_shared_vector_to_the_published_digit():
    if not VECTORS.is_file():
        pytest.skip(f"no test vectors at {VECTORS}; set CONSILIUM_SHARED")
    vectors = [v for v in json.loads(VECTORS.read_text()) if v["equation"] == "PREVENT"]
    assert len(vectors) >= 100
    wrong = []
    for vector in vectors:
        values = {VECTOR_NAMES.get(name, name): value for name, value in vector["inputs"].items()}
        person = Person(sex=vector["sex"], **values)
        got = one(person, vector["outcome"], vector["years"], vector["model"])
        assert same_for_one(person, vector["outcome"], vector["years"], vector["model"])
        if half_up(got, vector["decimals"]) != vector["expected"]:
            wrong.append((vector, got))
    assert not wrong


def test_many_people_are_the_same_as_each_alone():
    people = [EXAMPLE, replace(EXAMPLE, sex="male", smoker=True), replace(EXAMPLE, age=35, hba1c=7)]
    for model in ("base", "full"):
        together = prevent.risks(People.of(people), 10, model)
        alone = np.concatenate([prevent.risks(People.of([p]), 10, model) for p in people])
        np.testing.assert_allclose(together, alone, rtol=1e-12)
    assert prevent.risks(People.of([])).shape == (0, 5)


@settings(max_examples=50)
@given(
    st.builds(
        Person,
        age=st.integers(25, 85),
        sex=st.sampled_from(["female", "male"]),
        total_cholesterol=st.integers(120, 330),
        hdl_cholesterol=st.integers(15, 105),
        systolic_bp=st.integers(85, 205),
        bp_treated=st.booleans(),
        diabetes=st.booleans(),
        smoker=st.booleans(),
        statin=st.booleans(),
        egfr=st.none() | st.integers(10, 145),
        bmi=st.none() | st.floats(18, 41),
        hba1c=st.none() | st.floats(2, 16),
        uacr=st.none() | st.floats(0.05, 30000),
        sdi=st.none() | st.integers(1, 10),
    ),
    st.sampled_from(prevent.OUTCOMES),
    st.sampled_from(prevent.YEARS),
    st.sampled_from(prevent.MODELS),
)
def test_one_person_without_arrays_is_the_same(person, outcome, years, model):
    assert same_for_one(person, outcome, years, model)


def test_mmol_reaches_the_equation_as_stated():
    stated = replace(EXAMPLE, total_cholesterol=to_mg(5.172), hdl_cholesterol=to_mg(1.1637))
    assert one(stated) == pytest.approx(one(EXAMPLE), rel=1e-12)  # 200 and 45 mg/dL x 0.02586


def test_what_each_outcome_needs():
    no_bmi = replace(EXAMPLE, bmi=None)
    assert one(no_bmi) == one(EXAMPLE)
    assert math.isnan(one(no_bmi, "heart_failure"))
    assert "bmi" in str(prevent.heart_failure_refusals(no_bmi)[0])
    obese = replace(EXAMPLE, bmi=45)
    assert one(obese) == one(EXAMPLE)
    assert math.isnan(one(obese, "heart_failure"))
    assert one(obese, "heart_failure", extrapolate=True) > one(EXAMPLE, "heart_failure")
    no_egfr = replace(EXAMPLE, egfr=None)
    assert math.isnan(one(no_egfr))
    assert "PREVENT needs it" in prevent.refusals(no_egfr)[0].sentence()
    for model in prevent.EXTRAS:
        assert math.isnan(one(EXAMPLE, model=model))
    assert prevent.refusals(EXAMPLE) == prevent.heart_failure_refusals(EXAMPLE) == []


@pytest.mark.parametrize(
    ("change", "range_told"),
    [
        ({"age": 29}, "30 to 79 years"),
        ({"age": 80}, "30 to 79 years"),
        ({"total_cholesterol": 129}, "130 to 320 mg/dL (3.36 to 8.28 mmol/L)"),
        ({"total_cholesterol": 321}, "130 to 320 mg/dL"),
        ({"hdl_cholesterol": 19}, "20 to 100 mg/dL (0.52 to 2.59 mmol/L)"),
        ({"hdl_cholesterol": 101}, "20 to 100 mg/dL"),
        ({"systolic_bp": 89}, "90 to 200 mmHg"),
        ({"systolic_bp": 201}, "90 to 200 mmHg"),
        ({"egfr": 14}, "15 to 140 mL/min/1.73 m2"),
        ({"egfr": 141}, "15 to 140 mL/min/1.73 m2"),
    ],
)
def test_outside_its_limits_it_gives_nothing_and_says_why(change, range_told):
    person = replace(EXAMPLE, **change)
    assert math.isnan(one(person))
    assert math.isfinite(one(person, extrapolate=True))
    (problem,) = prevent.refusals(person)
    assert problem.name == next(iter(change))
    assert range_told in problem.sentence()


def test_limits_themselves_belong_to_the_range():
    edges = {
        "age": (30, 79.9),
        "total_cholesterol": (130, 320),
        "systolic_bp": (90, 200),
        "egfr": (15, 140),
    }
    for name, ends in edges.items():
        for end in ends:
            assert math.isfinite(one(replace(EXAMPLE, **{name: end})))
    assert math.isnan(one(replace(EXAMPLE, hba1c=16), model="hba1c"))
    assert math.isnan(one(replace(EXAMPLE, hba1c=16, uacr=10), model="full"))


people = st.builds(
    Person,
    age=st.integers(30, 79),
    sex=st.sampled_from(["female", "male"]),
    total_cholesterol=st.integers(130, 320),
    hdl_cholesterol=st.integers(20, 100),
    systolic_bp=st.integers(110, 190),
    bp_treated=st.booleans(),
    diabetes=st.just(False),
    smoker=st.just(False),
    statin=st.booleans(),
    egfr=st.integers(25, 140),
    bmi=st.floats(18.5, 39.9),
)


@settings(max_examples=50)
@given(people)
def test_risk_rises_with_what_medicine_says(person):
    """Not asserted, as the published terms do not have it so: age, SBP below 110, non-HDL in the old."""
    base = one(person)
    assert 0 < base < 1
    for worse in (
        {"smoker": True},
        {"diabetes": True},
        {"systolic_bp": person.systolic_bp + 10},
        {"egfr": person.egfr - 10},
    ):
        assert one(replace(person, **worse)) > base, worse
