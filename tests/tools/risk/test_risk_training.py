"""Training and evaluation end to end on made-up people: it learns, resumes, ships and tells the truth."""

import json

import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

from consilium.tools.contract import ToolError
from consilium.tools.risk import fit as fitting
from consilium.tools.risk.card import Card
from consilium.tools.risk.data import read_cohort
from consilium.tools.risk.evaluate import LEARNED, PREVENT, PREVENT_NO_EGFR, as_text, evaluate
from consilium.tools.risk.fit import fit
from consilium.tools.risk.model import RiskModel
from consilium.tools.risk.recipe import FitConfig, bootstrap
from consilium.tools.risk.rivals import RIVALS
from consilium.tools.risk.train import train

CONFIG = {
    "seed": 3,
    "network": {"members": 30, "hidden": 2},
    "epochs": 3,
    "batch_size": 128,
    "learning_rate": 0.05,
    "ridge_out": 1.0,
    "ridge_in": 0.1,
    "pull": 0.01,
    "reference": 200,
    "temporal_until": "1999-2000",
}
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("consilium.tools.risk.evaluate._DRAWS", 20)
    monkeypatch.setattr("consilium.tools.risk.rivals.FOLDS", 2)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """900 people in NHANES' columns who die of cardiovascular disease by age, pressure and smoking."""
    rng = np.random.default_rng(1)
    n = 900
    age, sbp = rng.integers(40, 80, n), rng.normal(128, 17, n).clip(95, 195).round()
    smoker = rng.integers(0, 2, n)
    hazard = 0.012 * np.exp(0.07 * (age - 60) + 0.02 * (sbp - 128) + 0.7 * smoker)
    dies, other = rng.exponential(1 / hazard), rng.exponential(60, n)
    end = np.where(np.arange(n) % 2 == 0, 13.0, 11.0)
    years = np.minimum(np.minimum(dies, other), end)
    columns = {
        "seqn": np.arange(n) + 1,
        "cycle": np.where(np.arange(n) % 2 == 0, "1999-2000", "2007-2008"),
        "age": age,
        "female": rng.integers(0, 2, n),
        "race_eth": np.where(rng.uniform(size=n) < 0.2, "Non-Hispanic Black", "Other Hispanic"),
        "total_chol_mgdl": rng.normal(205, 35, n).clip(135, 310).round(),
        "hdl_mgdl": rng.normal(52, 14, n).clip(25, 95).round(),
        "sbp_mmhg": sbp,
        "bp_meds": rng.integers(0, 2, n),
        "statin": rng.integers(0, 2, n),
        "current_smoker": smoker,
        "diabetes": (rng.uniform(size=n) < 0.15).astype(int),
        "bmi": rng.normal(28, 5, n).clip(17, 50).round(1),
        "egfr_ckdepi2021": rng.normal(90, 14, n).clip(61, 135).round(1),
        "followup_years": years.round(3),
        "death_cvd": (years == dies).astype(int),
        "death_all": (years < end).astype(int),
    }
    path = tmp_path_factory.mktemp("survey") / "survey.csv"
    lines = [
        ",".join(columns),
        *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_bootstrap_depends_on_the_person_only():
    persons = np.array([11, 5, 9])
    counts = bootstrap(7, persons, 400)
    assert counts.shape == (400, 3)
    np.testing.assert_array_equal(counts[:, 1:], bootstrap(7, persons[1:], 400))
    assert (counts != bootstrap(8, persons, 400)).any()
    assert (counts == 0).mean() == pytest.approx(np.exp(-1), abs=0.04)


def test_a_stopped_run_goes_on_as_if_unbroken(tmp_path, survey, monkeypatch):
    config, cohort = FitConfig.model_validate(CONFIG), read_cohort(survey)
    whole = fit(config, cohort, tmp_path / "whole")

    class Stopped(Exception):
        pass

    original, calls = fitting._unseen_loss, []

    def stop_at_second(network, data):
        calls.append(1)
        if len(calls) > 1:
            raise Stopped
        return original(network, data)

    monkeypatch.setattr(fitting, "_unseen_loss", stop_at_second)
    with pytest.raises(Stopped):
        fit(config, cohort, tmp_path / "broken")
    monkeypatch.setattr(fitting, "_unseen_loss", original)
    resumed = fit(config, cohort, tmp_path / "broken")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    lines = (tmp_path / "broken/metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]
    with pytest.raises(ToolError, match="another configuration"):
        fit(config.model_copy(update={"seed": 4}), cohort, tmp_path / "broken")
    with pytest.raises(ToolError, match="other data"):
        fit(config, cohort.where(cohort.years > 1), tmp_path / "broken")


def test_train_ships_a_model_whose_card_is_reproduced(tmp_path, survey):
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump(CONFIG | {"epochs": 12}))
    weights = tmp_path / "weights"
    card = train(config, survey, [], tmp_path / "run", weights)
    assert card == Card.read(weights)
    assert card.data.people == 900
    temporal, home = card.evaluations.values()
    assert temporal.people < 500 < home.people
    assert home.groups["everyone"].figures[LEARNED]["AUC"].value > 0.7
    assert set(RIVALS) | {PREVENT, PREVENT_NO_EGFR, "PCE"} <= set(home.groups["everyone"].figures)
    assert {"women", "men", "aged 60 to 69"} <= set(home.groups)
    assert set(home.differences) == set(home.groups["everyone"].figures) - {LEARNED}

    again = evaluate(read_cohort(survey), RiskModel.load(weights))
    assert again == home
    assert any("whose bootstrap sample did not hold them" in note for note in again.notes)
    text = as_text(again)
    assert f"n = {home.people:,}, events {home.events:,}" in text and PREVENT in text


def test_a_cohort_without_lipids_gets_what_it_can(tmp_path, survey):
    table = [line.split(",") for line in survey.read_text().splitlines()]
    keep = [
        i for i, name in enumerate(table[0]) if name not in {"hdl_mgdl", "egfr_ckdepi2021", "seqn"}
    ]
    path = tmp_path / "poor.csv"
    path.write_text("\n".join(",".join(row[i] for i in keep) for row in table))
    found = evaluate(read_cohort(path), RiskModel.load())
    assert set(found.groups["everyone"].figures) == {LEARNED, *RIVALS}
    assert any("hdl_cholesterol, egfr" in note for note in found.notes)
    assert any("equations need" in note for note in found.notes)


def test_what_cannot_be_measured_is_said(tmp_path, survey):
    lines = survey.read_text().splitlines()
    alive = [line for line in lines[1:] if line.split(",")[-2:] == ["0", "0"]]
    path = tmp_path / "alive.csv"
    path.write_text("\n".join([lines[0], *alive]))
    with pytest.raises(ToolError, match=r"0 events within 10 years .* 10 are needed"):
        evaluate(read_cohort(path), RiskModel.load())
    young = [",".join(["9", "1999-2000", "33", *line.split(",")[3:]]) for line in lines[1:40]]
    path.write_text("\n".join([lines[0], *young]))
    with pytest.raises(ToolError, match="nobody"):
        evaluate(read_cohort(path), RiskModel.load())


@pytest.mark.parametrize("text", ["seed: 1", "[1, 2]", "a: b: c"])
def test_a_bad_configuration_is_refused(tmp_path, survey, text):
    config = tmp_path / "bad.yaml"
    config.write_text(text)
    with pytest.raises(ToolError, match="configuration cannot be used"):
        train(config, survey, [], tmp_path / "run", tmp_path / "weights")


def test_the_command(tmp_path, survey):
    import typer

    from consilium.tools.risk.commands import eval_risk

    app = typer.Typer()
    app.command()(eval_risk)
    report = tmp_path / "figures.json"
    result = CliRunner().invoke(app, ["--cohort", str(survey), "--report", str(report)])
    assert result.exit_code == 0, result.output
    assert "learned model" in result.output
    figure = json.loads(report.read_text())["groups"]["everyone"]["figures"][LEARNED]["AUC"]
    assert figure["low"] <= figure["value"] <= figure["high"]
