"""Conditions stated in words, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilium.tools.cases.filters import in_words, parse
from consilium.tools.contract import ToolError


@pytest.mark.parametrize(
    ("request_", "conditions", "rest"),
    [
        ("women over 60 with septic shock", "female, aged 61 or more", "with septic shock"),
        ("male under 40 with coma", "male, aged 39 or less", "with coma"),
        ("died in hospital after cardiac arrest", "died in hospital", "after cardiac arrest"),
        ("patients aged 50-60 with cirrhosis", "aged 50 to 60", "patients with cirrhosis"),
        ("people between 60 and 50, liver failure", "aged 50 to 60", "people, liver failure"),
        ("older than 50 years and younger than 60 years, gout", "aged 51 to 59", "gout"),
        ("younger than 60 and older than 50, gout", "aged 51 to 59", "gout"),
        ("men and women over 70 with stroke", "aged 71 or more", "with stroke"),
        ("65+ with hip fracture", "aged 65 or more", "with hip fracture"),
        (
            "female patients with lupus, at least 18 years old",
            "female, aged 18 or more",
            "with lupus",
        ),
        ("patients in their 60s with ARDS", "aged 60 to 69", "patients with ARDS"),
        ("man in his seventies, stroke", "male, aged 70 to 79", "stroke"),
        ("elderly men with dementia", "male, aged 65 or more", "with dementia"),
        ("not women, gout", "male", "gout"),
        ("sepsis, who survived to discharge", "left hospital alive", "sepsis"),
        ("patients who died, sepsis", "died", "patients, sepsis"),
        ("survivors of septic shock", "not known to have died", "of septic shock"),
        ("diabetics 75 or older", "aged 75 or more", "diabetics"),
        ("asthma, aged up to 30", "aged 30 or less", "asthma"),
        ("cases since 2015 with asthma", "since 2015", "with asthma"),
        ("admissions before 2000, gout", "until 1999", "gout"),
    ],
)
def test_conditions(request_, conditions, rest):
    parsed = parse(request_)
    assert in_words(parsed.conditions) == conditions
    assert parsed.rest == rest
    assert parsed.has_content


@pytest.mark.parametrize(
    "request_",
    [
        "a 62-year-old woman with COPD",
        "62F with lung cancer",
        "blood pressure over 90",
        "GCS under 8",
        "heart rate over 120 bpm",
        "temperature over 39",
        "fever over 38.5",
        "length of stay over 30 days",
        "her husband died in hospital; she has depression",
        "an elderly man with dementia",
        "hypertension since 2015",
        "who died of cancer",
        "weight over 100 kg",
        "pO2 below 60 mmHg",
        "SBP under 90 in shock",
        "fever over 39",
        "troponin > 50",
        "first-degree male relative under 55 with infarction",
        "father died of infarction under 60",
        "mother of 3 children",
        "has two children, gout",
        "shock with systolic under 90",
        "anaemia, hematocrit under 30",
        "arteritis, ESR > 100",
        "smoker with over 60-pack-year history",
        "CD4 under 50, HIV",
        "pneumonia, CURB-65 over 2",
        "more than 3 episodes of gout",
        "stroke over 10 years ago",
        "over 20 years of smoking",
        "breast cancer survivor with dyspnoea",
        "high risk of death in hospital",
        "lives with two elderly women, gout",
        "cared for by two women, gout",
    ],
)
def test_descriptions_and_measurements_are_no_conditions(request_):
    parsed = parse(request_)
    assert parsed.conditions.empty
    assert parsed.rest == request_


@pytest.mark.parametrize(
    ("request_", "conditions", "rest"),
    [
        ("sepsis, excluding patients over 80", "aged 80 or less", "sepsis"),
        ("sepsis, but not over 70", "aged 70 or less", "sepsis"),
        ("no patients under 18, gout", "aged 18 or more", "gout"),
        ("sepsis, women excluded", "male", "sepsis"),
        ("sepsis, excluding women and children", "male, aged 18 or more", "sepsis"),
        ("non-elderly patients with gout", "aged 64 or less", "patients with gout"),
        ("gout, excluding those who died in hospital", "left hospital alive", "gout"),
        ("patients with gout who were not discharged alive", "died in hospital", None),
        ("sepsis, survivors excluded", "died", "sepsis"),
        ("gout, patients who did not survive", "died", "gout, patients"),
        ("not only women over 60, gout", "female, aged 61 or more", "not only, gout"),
        ("neither women nor children, gout", "male, aged 18 or more", "gout"),
        ("man with no children who died in hospital, gout", "male, died in hospital", None),
        ("no fever, women over 60", "female, aged 61 or more", "no fever"),
        ("women over 60 without fever", "female, aged 61 or more", "without fever"),
    ],
)
def test_denied_conditions_are_turned_round(request_, conditions, rest):
    parsed = parse(request_)
    assert in_words(parsed.conditions) == conditions
    assert rest is None or parsed.rest == rest
    assert not parsed.notes


@pytest.mark.parametrize(
    ("request_", "conditions"),
    [
        ("women or men over 70 with gout", "aged 71 or more"),
        ("over 70, women or men, gout", "aged 71 or more"),
        ("women over 60 or men over 70, gout", "(female, aged 61 or more) or (male, aged 71 or more)"),
        ("women over 60 and men over 70, gout", "(female, aged 61 or more) or (male, aged 71 or more)"),
        ("women over 60 or men with gout", "(female, aged 61 or more) or (male)"),
        ("women aged 65+ or men aged 65+, gout", "aged 65 or more"),
        ("women under 30 or over 80, gout", "(female, aged 29 or less) or (female, aged 81 or more)"),
        ("under 30 or over 80, gout", "(aged 29 or less) or (aged 81 or more)"),
        ("children or elderly patients, gout", "(aged 17 or less) or (aged 65 or more)"),
        ("women and children with asthma", "(female) or (aged 17 or less)"),
        ("women, men and children with asthma", ""),
        ("patients over 60 or with sepsis who are men", "male, aged 61 or more"),
        ("women over 60 but not over 80, gout", "female, aged 61 to 80"),
        ("women over 60 or men over 70 who died in hospital, gout",
         "(female, aged 61 or more) or (male, aged 71 or more), died in hospital"),
        ("cases not since 2010, gout", "until 2009"),
        ("patients not admitted since 2010, gout", "until 2009"),
        ("cases not before 2010, gout", "since 2010"),
    ],
)  # fmt: skip
def test_groups_and_years(request_, conditions):
    parsed = parse(request_)
    assert in_words(parsed.conditions) == conditions
    assert not parsed.notes


@pytest.mark.parametrize(
    "request_",
    [
        "78-year-old man with sepsis, women over 60 excluded",
        "78-year-old man with sepsis (women over 60 excluded)",
        "78-year-old man with sepsis, excluding women over 60",
        "No women over 60; 78-year-old man with sepsis",
    ],
)
def test_what_cannot_be_excluded_is_said(request_):
    parsed = parse(request_)
    assert parsed.conditions.empty
    assert parsed.rest == "78-year-old man with sepsis"
    assert len(parsed.notes) == 1
    assert "61 or more" in parsed.notes[0]
    assert "female" in parsed.notes[0]


def test_ages_have_decimals():
    assert parse("men under 40").conditions.max_age == pytest.approx(39.99)
    assert parse("men over 40").conditions.min_age == 41


@pytest.mark.parametrize(
    "request_",
    [
        "women over 60",
        "male",
        "patients who died in hospital",
        "either women over 60 or men over 70",
        "someone like my patient",
        "this one or her",
    ],
)
def test_conditions_alone_are_no_content(request_):
    assert not parse(request_).has_content


@pytest.mark.parametrize(
    "request_",
    ["women over 60 under 40, gout", "who died in hospital, who survived to discharge, gout"],
)
def test_contradictions_are_refused(request_):
    with pytest.raises(ToolError):
        parse(request_)


@given(st.text(max_size=200))
def test_any_request_can_be_parsed(request_):
    try:
        parsed = parse(request_)
    except ToolError:
        return
    assert len(parsed.rest) <= len(request_) + 1


def test_an_illness_before_it_does_not_hide_an_outcome():
    assert parse("patients with lung cancer who died in hospital").conditions.died_in_hospital
    assert parse("breast cancer survivor with sepsis").conditions.empty


@pytest.mark.parametrize("request_", ["PE", "MI in women over 60", "败血性休克", "септический шок"])
def test_two_letters_and_other_scripts_are_content(request_):
    assert parse(request_).has_content
