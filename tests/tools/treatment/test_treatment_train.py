"""Training end to end on few patients: it learns, resumes, ships, and refuses what it cannot use."""

import json

import numpy as np
import pytest
import torch
import yaml
from filelock import FileLock
from numpy.random import RandomState

from consilium.tools.contract import ToolError
from consilium.tools.treatment import train as training
from consilium.tools.treatment.card import CARD_FILE, WEIGHTS_FILE, Card
from consilium.tools.treatment.fit import FitConfig, fit
from consilium.tools.treatment.protocol import Benchmark
from consilium.tools.treatment.protocol import benchmark as draw_benchmark
from consilium.tools.treatment.recipe import SimulatedData, read_recipe
from consilium.tools.treatment.shipped import load_network
from consilium.tools.treatment.simulator import confounded, draw_patients, simulate
from consilium.tools.treatment.train import simulated, train

STAGE = {"rounds": 2, "steps": 4, "batch_size": 50, "learning_rate": 0.05}
FIT = {
    "seed": 3,
    "network": {"components": 2, "hidden": 4},
    "population": STAGE,
    "gru": STAGE | {"learning_rate": 0.003},
    "hide_kind": 0.5,
}
DATA = {"seed": 5, "train": 30, "val": 10, "gammas": [0, 4], "by_chance": 1}
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def courses():
    random = RandomState(1)
    return [simulate(draw_patients(n, random), confounded(1), random) for n in (120, 40)]


@pytest.fixture
def small_benchmark(monkeypatch):
    """The card's figures on few patients."""

    def draw(gamma: float, seed: int) -> Benchmark:
        return draw_benchmark(gamma, seed, train=4, val=2, test=4)

    monkeypatch.setattr(training, "benchmark", draw)


def recipe(folder, **changed):
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump({"data": DATA, "fit": FIT} | changed))
    return path


def test_it_learns(courses, tmp_path):
    config = FitConfig.model_validate(
        FIT | {"population": STAGE | {"rounds": 4, "steps": 12}, "hide_kind": 0}
    )
    network = fit(config, *courses, tmp_path)
    noise = network.population.log_noise.exp().item()
    assert noise == pytest.approx(0.01, rel=0.3)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    losses = [line["val"] for line in lines if line["stage"] == "population"]
    assert losses[-1] < losses[0]
    assert [line["stage"] for line in lines[-2:]] == ["gru", "gru"]


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(courses, tmp_path, monkeypatch):
    config = FitConfig.model_validate(FIT)
    whole = fit(config, *courses, tmp_path / "whole")

    rounds = []
    record = json.dumps

    def stop_in_the_second_round(value):
        rounds.append(value)
        if len(rounds) in (2, 4):
            raise KeyboardInterrupt
        return record(value)

    monkeypatch.setattr("consilium.tools.treatment.fit.json.dumps", stop_in_the_second_round)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            fit(config, *courses, tmp_path / "stopped")
    resumed = fit(config, *courses, tmp_path / "stopped")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_another_configurations_or_datas_run_is_not_gone_on_with(courses, tmp_path):
    fit(FitConfig.model_validate(FIT), *courses, tmp_path)
    with pytest.raises(ToolError, match="choose a new one"):
        fit(FitConfig.model_validate(FIT | {"seed": 4}), *courses, tmp_path)
    with pytest.raises(ToolError, match="other data"):
        fit(FitConfig.model_validate(FIT), *reversed(courses), tmp_path)


@pytest.mark.usefixtures("small_benchmark")
def test_from_recipe_to_shipped_network(tmp_path):
    card = train(recipe(tmp_path), tmp_path / "out")
    network, read = load_network(tmp_path / "out")
    assert read == card
    assert (card.train_patients, card.val_patients) == (90, 30)
    assert [report.gamma for report in card.figures] == [0, 1, 2, 3, 4]
    assert card.parameters == sum(p.numel() for p in network.parameters())
    assert "90 simulated patients" in card.data
    again = train(recipe(tmp_path), tmp_path / "again")
    assert again.weights_sha256 == card.weights_sha256


@pytest.mark.usefixtures("small_benchmark")
def test_a_second_training_on_the_same_folder_is_refused(tmp_path):
    out = tmp_path / "out"
    (out / "run").mkdir(parents=True)
    with (
        FileLock(out / "run" / "train.lock"),
        pytest.raises(ToolError, match="Another training is running"),
    ):
        train(recipe(tmp_path), out)
    assert not (out / "run" / "state.pt").exists()
    assert train(recipe(tmp_path), out).weights_sha256  # the lock is free, its file is still there


def test_training_on_a_file_of_real_histories(tmp_path):
    random = RandomState(6)
    followed = simulate(draw_patients(40, random), confounded(1), random, days=8)
    rows = ["patient,visit,volume_cm3,chemotherapy,radiotherapy"]
    for row in np.flatnonzero((followed.volumes.min(axis=1) > 0.05) & (followed.last == 7)):
        rows += [
            f"p{row},{day + 1},{followed.volumes[row, day]:.3f},"
            f"{int(followed.chemo[row, day])},{int(followed.radio[row, day])}"
            for day in range(8)
        ]
    (tmp_path / "histories.csv").write_text("\n".join(rows) + "\n")
    card = train(recipe(tmp_path, data="histories.csv"), tmp_path / "out")
    assert card.data == "imported histories"
    assert card.figures == []
    network, _ = load_network(tmp_path / "out")
    shift = network.population.kind_shift  # the type of real patients is not known
    assert torch.allclose(shift, shift[:1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fit: [", "cannot be read"),
        ("", "not right at its top"),
        (yaml.safe_dump({"data": DATA, "fit": FIT | {"hide_kind": 2}}), "hide_kind"),
        (yaml.safe_dump({"data": DATA, "fit": FIT, "typo": 1}), "typo"),
    ],
)
def test_a_wrong_recipe_is_refused_in_a_sentence(tmp_path, text, said):
    path = tmp_path / "run.yaml"
    path.write_text(text)
    with pytest.raises(ToolError, match=said):
        read_recipe(path)


def test_policies_of_the_training_patients():
    data = SimulatedData.model_validate(DATA | {"by_chance": 2})
    drawn = simulated(data, 200, RandomState(3))
    assert len(drawn) == 4 * 200
    by_size, by_chance = drawn.chemo[:400, 0], drawn.chemo[400:, 0]
    assert not by_size.any()  # nobody is treated on the first day
    assert by_chance.mean() == pytest.approx(0.3, abs=0.06)


@pytest.mark.usefixtures("small_benchmark")
def test_damaged_weights_are_refused(tmp_path):
    out = tmp_path / "out"
    train(recipe(tmp_path), out)
    content = (out / WEIGHTS_FILE).read_bytes()
    (out / WEIGHTS_FILE).write_bytes(content[:-1] + b"!")
    with pytest.raises(ToolError, match="do not match their card"):
        load_network(out)
    (out / WEIGHTS_FILE).unlink()
    with pytest.raises(ToolError, match="missing"):
        load_network(out)
    (out / WEIGHTS_FILE).write_bytes(content)
    (out / CARD_FILE).write_text("{}")
    with pytest.raises(ToolError, match="damaged"):
        load_network(out)


def test_weights_of_another_shape_are_refused(tmp_path, courses):
    network = fit(FitConfig.model_validate(FIT), *courses, tmp_path / "run")
    shipped, card = load_network()
    from consilium.tools.treatment.shipped import save_weights

    changed = card.model_copy(update={"weights_sha256": save_weights(network, tmp_path)})
    changed.save(tmp_path)
    with pytest.raises(ToolError, match="do not fit this version"):
        load_network(tmp_path)
    assert shipped is not network


def test_the_shipped_network_has_found_the_population():
    network, card = load_network()
    assert isinstance(card, Card)
    assert not network.training
    found = card.population
    assert found["noise_sd"] == pytest.approx(0.01, rel=0.05)
    assert found["rho"] == pytest.approx(6.16e-3, rel=0.05)
    assert found["alpha"] == pytest.approx(0.176, rel=0.05)
    assert found["beta_c"] == pytest.approx(0.02893, rel=0.02)
