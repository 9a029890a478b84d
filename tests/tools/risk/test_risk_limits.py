"""Values that cannot be right are refused by name, in the unit they were stated in, with what to do."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilium.tools.contract import ToolError
from consilium.tools.risk.categories import PCE_ASCVD, PREVENT_ASCVD
from consilium.tools.risk.contract import PredictRisk
from consilium.tools.risk.limits import check, impossible
from consilium.tools.risk.person import People, Person, to_mg, to_mmol

FINE = Person(age=55, sex="male", total_cholesterol=213, hdl_cholesterol=50, systolic_bp=120)


def stated(**changes):
    values = {
        "age": 55,
        "sex": "male",
        "total_cholesterol": 213,
        "hdl_cholesterol": 50,
        "systolic_bp": 120,
    }
    return Person.from_args(PredictRisk(**values | changes))


BAD = [
    (stated(systolic_bp=12), ["Systolic blood pressure 12 mmHg", "50 to 300 mmHg"]),
    (stated(systolic_bp=-120), ["Systolic blood pressure -120 mmHg"]),
    (stated(age=-3), ["Age -3 years", "0 to 120"]),
    (stated(age=550), ["Age 550 years"]),
    (stated(total_cholesterol=7.2), ["Total cholesterol 7.2 mg/dL", "is the unit mmol/L?"]),
    (stated(hdl_cholesterol=1.3), ["HDL cholesterol 1.3 mg/dL", "is the unit mmol/L?"]),
    (
        stated(total_cholesterol=213, hdl_cholesterol=1.3, cholesterol_unit="mmol/L"),
        ["Total cholesterol 213 mmol/L", "is the unit mg/dL?"],
    ),
    (
        stated(total_cholesterol=5.5, hdl_cholesterol=50, cholesterol_unit="mmol/L"),
        ["HDL cholesterol 50 mmol/L", "is the unit mg/dL?"],
    ),
    (stated(hdl_cholesterol=220, total_cholesterol=230), ["HDL cholesterol 220 mg/dL"]),
    (stated(hdl_cholesterol=190, total_cholesterol=180), ["below total cholesterol, 180 mg/dL"]),
    (stated(hdl_cholesterol=180, total_cholesterol=180), ["must be below total cholesterol"]),
    (stated(total_cholesterol=-200), ["Total cholesterol -200 mg/dL"]),
    (stated(egfr=0), ["The eGFR 0 mL/min/1.73 m2"]),
    (stated(bmi=3), ["The BMI 3 kg/m2", "10 to 100"]),
    (replace(FINE, hba1c=48), ["HbA1c 48 %", "mmol/mol"]),
    (replace(FINE, uacr=-1), ["Urine albumin-creatinine ratio -1 mg/g"]),
    (replace(FINE, sdi=11), ["Social deprivation index 11"]),
    (replace(FINE, sdi=3.5), ["whole number from 1 to 10"]),
    (replace(FINE, age=float("nan")), ["Age is not a number"]),
    (replace(FINE, egfr=float("inf")), ["is not a number"]),
]


@pytest.mark.parametrize(("person", "said"), BAD)
def test_bad_values_are_refused_by_name(person, said):
    with pytest.raises(ToolError) as refusal:
        check(person)
    for piece in said:
        assert piece in str(refusal.value)
    assert str(refusal.value).endswith((".", "?"))


def test_all_that_is_wrong_is_said_at_once():
    assert [p.name for p in impossible(stated(age=-1, systolic_bp=12))] == ["age", "systolic_bp"]


def test_unusual_but_possible_people_pass():
    check(FINE)
    check(stated(age=19))  # no equation is for this age, but it is no slip
    check(stated(age=95))
    check(stated(total_cholesterol=5.5, hdl_cholesterol=1.3, cholesterol_unit="mmol/L"))
    check(stated(total_cholesterol=600, systolic_bp=240, egfr=8, bmi=60))


def test_from_args_converts_cholesterol_only():
    person = stated(
        total_cholesterol=5.5, hdl_cholesterol=1.3, cholesterol_unit="mmol/L", egfr=80, smoker=True
    )
    assert person.total_cholesterol == pytest.approx(212.6837, abs=1e-4)
    assert person.hdl_cholesterol == pytest.approx(50.2707, abs=1e-4)
    assert (person.egfr, person.bmi, person.smoker, person.race) == (80, None, True, None)


@given(st.floats(0.1, 30))
def test_units_round_trip(mmol):
    assert to_mmol(to_mg(mmol)) == pytest.approx(mmol, rel=1e-15)


def test_columns_keep_what_is_not_known():
    people = People.of([FINE, replace(FINE, sex="female", egfr=90, race="black", sdi=3)])
    assert len(people) == 2
    assert people.female.tolist() == [False, True]
    np.testing.assert_array_equal(people.egfr, [np.nan, 90])
    np.testing.assert_array_equal(people.black, [np.nan, 1])


@pytest.mark.parametrize(
    ("scale", "ends"), [(PREVENT_ASCVD, (0.03, 0.05, 0.10)), (PCE_ASCVD, (0.05, 0.075, 0.20))]
)
def test_categories_begin_at_their_lower_end(scale, ends):
    names = ("low", "borderline", "intermediate", "high")
    for end, below, at in zip(ends, names, names[1:], strict=False):
        assert scale.category(end - 0.001) == below
        assert scale.category(end) == at
    assert scale.source
