"""The shipped model: its card, what medicine says must rise and fall, gaps, damage."""

import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilium.tools.contract import ToolError
from consilium.tools.risk import report
from consilium.tools.risk.card import WEIGHTS, Card
from consilium.tools.risk.features import DIRECTION, FEATURES, INDEX, YES_NO
from consilium.tools.risk.model import LIMITS, RiskModel, load_model
from consilium.tools.risk.person import People, Person
from consilium.tools.risk.reference import DONORS, Reference, sample

PERSON = Person(
    age=62,
    sex="female",
    total_cholesterol=228,
    hdl_cholesterol=44,
    systolic_bp=152,
    smoker=True,
    egfr=72,
    bmi=31,
)
VALUES = {
    "age": st.floats(30, 85),
    "total_cholesterol": st.floats(90, 400),
    "hdl_cholesterol": st.floats(15, 120),
    "systolic_bp": st.floats(80, 230),
    "egfr": st.floats(60, 150),
    "bmi": st.floats(14, 60),
} | {name: st.sampled_from([0.0, 1.0]) for name in YES_NO}


@pytest.fixture
def model():
    return load_model()


def people(*persons):
    return People.of(persons)


def test_card_tells_everything(model):
    card = model.card
    assert (card.name, card.version) == (report.LEARNED.name, report.LEARNED.version)
    assert card.outcome.startswith("death") and card.limits and card.data.events > 400
    assert set(card.data.ranges) == set(FEATURES)
    assert (WEIGHTS / "risk.safetensors").stat().st_size < 1_000_000
    for evaluation in card.evaluations.values():
        everyone = evaluation.groups["everyone"]
        assert everyone.people == evaluation.people and everyone.events == evaluation.events
        for group in evaluation.groups.values():
            for figures in group.figures.values():
                for figure in figures.values():
                    assert figure.low <= figure.value <= figure.high


def test_the_targets_are_beaten(model):
    """targets/risk.md: logistic regression .770, PREVENT .783 on NHANES 1999-2008."""
    home = model.card.evaluations["NHANES, each person by members that never saw them"]
    early = next(group for name, group in home.groups.items() if name.startswith("examined"))
    assert early.figures["learned model"]["C-index"].value > 0.783
    for name in ("logistic regression", "gradient boosting", "MLP", "Cox"):
        rival = early.figures[name]["C-index"].value
        assert early.figures["learned model"]["C-index"].value > rival


@settings(deadline=None, max_examples=60)
@given(st.fixed_dictionaries(VALUES), st.sampled_from(sorted(DIRECTION)), st.data())
def test_risk_moves_as_medicine_says(values, name, data):
    model = load_model()
    low, high = sorted((values[name], data.draw(VALUES[name])))
    rows = np.array(
        [[{**values, name: value}[feature] for feature in FEATURES] for value in (low, high)]
    )
    for years in (1, 5, 10):
        less, more = model.predict(rows, years).risk
        assert 0 <= less <= 1 and 0 <= more <= 1
        assert (more - less) * DIRECTION[name] >= -1e-7


def test_risk_rises_with_the_horizon(model):
    rows = model.reference.rows[:50]
    risks = [model.predict(rows, years).risk for years in (1, 3.5, 5, 10)]
    assert all((a < b).all() for a, b in pairwise(risks))


def test_what_is_not_known_widens_the_interval(model):
    rows = model.reference.rows[:40].copy()
    known = model.predict(rows)
    assert (known.low <= known.risk).all() and (known.risk <= known.high).all()
    rows[:, [INDEX[n] for n in ("egfr", "bmi", "diabetes", "smoker", "systolic_bp")]] = np.nan
    blind = model.predict(rows)
    assert np.isfinite(blind.risk).all() and (blind.risk > 0).all()
    wider = (blind.high - blind.low) / blind.risk > (known.high - known.low) / known.risk
    assert wider.mean() > 0.9


def test_a_gap_is_an_average_not_a_zero(model):
    person = replace(PERSON, egfr=None)
    by_value = [model.predict_10y(people(replace(PERSON, egfr=e)))[0] for e in (60, 140)]
    risk = model.predict_10y(people(person))[0]
    assert min(by_value) < risk < max(by_value)
    one, many = model.predict_10y(people(person)), model.predict_10y(people(*[person] * 3, PERSON))
    np.testing.assert_allclose(many[:3], one[0])


def test_outside_its_people_it_declines(model):
    known = model.predict_10y(
        people(
            replace(PERSON, age=29),
            replace(PERSON, age=86),
            replace(PERSON, egfr=45),
            replace(PERSON, age=85),
            PERSON,
        )
    )
    assert list(np.isfinite(known)) == [False, False, False, True, True]
    assert [limit.name for limit in LIMITS] == ["age", "egfr"]


def test_people_of_the_training_data_are_scored_by_strangers(model):
    row = model.reference.rows[:1].repeat(2, axis=0)
    trained = int(model._persons[0])
    known, new = model.predict_unseen(row, np.array([trained, -1]))
    assert new == pytest.approx(model.predict(row[:1]).risk[0])
    assert known != pytest.approx(new, abs=1e-9)


def test_donors_are_alike(model):
    row = model.reference.rows[7].copy()
    row[INDEX["egfr"]] = np.nan
    filled = model.reference.complete(row[None])[0]
    assert filled.shape == (DONORS, len(FEATURES))
    others = [i for i in range(len(FEATURES)) if i != INDEX["egfr"]]
    np.testing.assert_array_equal(filled[:, others], np.repeat(row[None, others], DONORS, axis=0))
    old, young = row.copy(), row.copy()
    old[0], young[0] = 80, 32
    ages = model.reference.complete(np.stack([old, young]))[:, :, INDEX["egfr"]].mean(axis=1)
    assert ages[0] < ages[1] - 10  # eGFR falls with age
    with pytest.raises(ValueError, match="more than 64"):
        sample(model.reference.rows[:20], 100, seed=1)
    assert isinstance(sample(model.reference.rows, 100, seed=1), Reference)


def test_damaged_or_missing_weights_are_refused(tmp_path):
    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS, folder)
    content = (folder / "risk.safetensors").read_bytes()
    (folder / "risk.safetensors").write_bytes(content[:-4] + b"abcd")
    with pytest.raises(ToolError, match="do not match their card"):
        RiskModel.load(folder)
    (folder / "risk.safetensors").unlink()
    with pytest.raises(ToolError, match="missing"):
        RiskModel.load(folder)
    (folder / "risk.safetensors").write_bytes(content)
    (folder / "card.json").write_text("{}")
    with pytest.raises(ToolError, match="damaged"):
        RiskModel.load(folder)
    assert Card.read(WEIGHTS).weights_sha256
