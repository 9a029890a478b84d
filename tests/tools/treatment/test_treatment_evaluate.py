"""The benchmark's figures: its own laborious layout against our sums, and a report one can trust."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from consilium.tools.treatment.evaluate import MODEL, ORACLE, as_text, compare, evaluate
from consilium.tools.treatment.metrics import one_step_errors, ranking, sequence_errors
from consilium.tools.treatment.predict import oracle_belief, predict_one_step
from consilium.tools.treatment.protocol import benchmark
from consilium.tools.treatment.published import Published, published
from consilium.tools.treatment.shipped import load_network
from consilium.tools.treatment.simulator import DEATH_VOLUME, NOISE_SD
from consilium.tools.treatment.table import as_text as table_text
from consilium.tools.treatment.table import summarise


@pytest.fixture(scope="module")
def drawn():
    return benchmark(1, 10, train=5, val=5, test=12)


@pytest.fixture(scope="module")
def report(drawn):
    network, card = load_network()
    return evaluate(network, card.data, 1, 10, drawn)


def test_errors_as_the_benchmark_lays_them_out(drawn):
    """Every question a row that repeats its history; each day averaged, then the days."""
    test = drawn.one_step
    predicted = test.outcomes + RandomErrors(3).of(test.outcomes.shape)
    rows, entries, asked = [], [], []
    for patient in range(12):
        course = {name: values[patient] for name, values in vars(test.courses).items()}
        for day in range(course["last"]):
            for option in range(4):
                line, mask = np.zeros(59), np.zeros(59)
                for earlier in range(day):
                    own = 2 * course["chemo"][earlier] + course["radio"][earlier]
                    line[earlier] = (
                        predicted[patient, earlier, own] - course["volumes"][earlier + 1]
                    )
                line[day] = predicted[patient, day, option] - test.outcomes[patient, day, option]
                mask[: day + 1] = 1
                rows.append(line**2)
                entries.append(mask)
                asked.append(line[day] ** 2)
    rows, entries = np.array(rows), np.array(entries)
    percent = 100 / DEATH_VOLUME
    found = one_step_errors(test, predicted)
    by_day = rows.sum(axis=0) / entries.sum(axis=0)
    assert found.original.value == pytest.approx(percent * np.sqrt(by_day.mean()))
    assert found.pooled.value == pytest.approx(percent * np.sqrt(rows.sum() / entries.sum()))
    assert found.counterfactual.value == pytest.approx(percent * np.sqrt(np.mean(asked)))
    assert found.original.low <= found.original.value <= found.original.high


class RandomErrors:
    def __init__(self, seed):
        self._random = np.random.default_rng(seed)

    def of(self, shape):
        return self._random.normal(0, 5, shape)


def test_sequence_errors_leave_out_what_the_benchmark_leaves_out(drawn):
    test = drawn.sequences["random_trajectories"]
    predicted = np.nan_to_num(test.outcomes) + 2.0
    for estimate in sequence_errors(test, predicted):
        assert estimate.value == pytest.approx(100 * 2 / DEATH_VOLUME)


def test_the_truth_ranks_perfectly_and_its_opposite_worst(drawn):
    test = drawn.sequences["sliding_treatment"]
    truth = np.nan_to_num(test.outcomes)
    right, wrong = ranking(test, truth), ranking(test, -truth)
    assert (right.best_first.value, right.regret.value) == (1, 0)
    assert wrong.regret.value > right.regret_by_chance.value > 0
    assert right.questions == np.isfinite(test.outcomes[..., -1]).all(axis=-1).sum()


def test_the_oracle_misses_by_the_daily_noise_alone(drawn):
    network, _ = load_network()
    test = drawn.one_step
    predicted = predict_one_step(network, oracle_belief(network, test.patients, 59), test)
    last = test.courses.last[:, None] - 1
    before = test.courses.volumes[:, :59, None]
    inner = (np.arange(59) < last) & (before[..., 0] > 1e-3)
    missed = ((test.outcomes - predicted) / np.maximum(before, 1e-9))[inner]
    assert np.std(missed) == pytest.approx(NOISE_SD, rel=0.1)
    assert np.abs(missed).max() < 0.06


def test_report(report):
    assert report.patients == 12
    model, oracle = report.one_step[MODEL].original, report.one_step[ORACLE].original
    assert oracle.value < model.value < report.one_step["last value"].original.value
    assert len(report.comparisons) == 11
    first = report.comparisons[0]
    assert (first.setting, first.ahead, first.best_mean) == ("one_step", 1, 0.783)
    assert first.value == model.value
    text = as_text(report)
    assert f"{model.value:.3f}" in text
    assert "0.783 +- 0.071" in text
    assert "regret" in text
    assert "from 1,000 test patients. With 12 the error depends" in text


def test_the_same_report_twice(report, drawn):
    network, card = load_network()
    assert evaluate(network, card.data, 1, 10, drawn) == report


def test_unpublished_confounding(drawn):
    network, card = load_network()
    found = evaluate(network, card.data, 2.5, 10, drawn)
    assert found.comparisons == []
    assert "Nobody published" in as_text(found)


def test_published_figures():
    assert published("one_step", 1, 4)[0] == Published("G-Net", 1.319, 0.248)
    assert len(published("sliding_treatment", 6, 0)) == 6
    assert published("one_step", 1, 0.5) == []
    assert published("one_step", 1, 5) == []


def test_comparison():
    found = compare(Published("CRN", 1.0, 0.1), "one_step", 1, value=0.6, oracle=0.2)
    assert found.sds_below == pytest.approx(4)
    assert found.gap_closed == pytest.approx(0.5)


def test_table_over_seeds(report):
    other = report.model_copy(
        update={
            "seed": 101,
            "comparisons": [
                row.model_copy(update={"value": row.value + 0.2}) for row in report.comparisons
            ],
        }
    )
    table = summarise([report, other])
    assert len(table) == 11
    row = next(row for row in table if row.setting == "one_step")
    assert row.seeds == [10, 101]
    assert row.mean == pytest.approx(report.comparisons[0].value + 0.1)
    assert row.sd == pytest.approx(0.1)
    assert f"{row.mean:.3f} +- {row.sd:.3f}" in table_text(table)


def test_command(tmp_path):
    import typer

    from consilium.tools.treatment.commands import eval_treatment

    app = typer.Typer()
    app.command()(eval_treatment)
    out = tmp_path / "new" / "report.json"
    arguments = ["--gamma", "4", "--seed", "77", "--patients", "3", "--report", str(out)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    written = json.loads(out.read_text())
    assert set(written["one_step"][MODEL]) == {"original", "pooled", "counterfactual"}
    assert len(written["sequences"]["sliding_treatment"][MODEL]) == 5
    assert "gamma 4, seed 77, 3 test patients" in done.output
    for wrong in (["--gamma", "-1", "--seed", "1"], ["--gamma", "1", "--seed", "-1"]):
        assert CliRunner().invoke(app, wrong).exit_code == 2
