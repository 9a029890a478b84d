"""The tool as the chair calls it: with a model computed by hand, and with the shipped weights."""

import csv
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from consilium.tools.contract import ToolContext, ToolError
from consilium.tools.treatment import report, tool
from consilium.tools.treatment.bands import BANDS_FILE, Bands
from consilium.tools.treatment.card import WEIGHTS, Card
from consilium.tools.treatment.contract import SimulateTreatment
from consilium.tools.treatment.forecast import Forecaster

shipped = pytest.mark.skipif(not (WEIGHTS / BANDS_FILE).exists(), reason="needs the weights")


@pytest.fixture
def call(tmp_path, monkeypatch, forecaster):
    monkeypatch.setattr(tool, "_loaded", [forecaster])

    def run(picture=False, **arguments):
        if not picture:  # drawing takes most of the time
            monkeypatch.setattr(tool, "draw", lambda *_: None)
        context = ToolContext(artifact_dir=tmp_path / "artifacts")
        return tool.simulate_treatment(SimulateTreatment(**arguments), context)

    return run


def values(result):
    return {finding.label: finding.value for finding in result.findings}


def test_a_history_as_typed(call):
    result = call(picture=True, volumes_cm3=[12.1, 14.0, 15.2], chemotherapy_at=[2])
    assert result.status == "ok"
    found = values(result)
    assert found["volume in 5 visits, no treatment"] == pytest.approx(15.2 * 1.05**5, abs=0.06)
    assert found["lowest volume under"] == "chemoradiotherapy"
    assert found["volume now"] == 15.2
    assert report.DEFAULT_HORIZON.format(horizon=5) in result.assumptions
    assert report.NO_PAST not in result.assumptions
    picture, table = result.artifacts
    with Image.open(picture.path) as image:
        assert image.size[0] > 1000
    rows = list(csv.DictReader(table.path.open(encoding="utf-8")))
    assert len(rows) == 3 + 4 * 5
    assert rows[1]["given"] == "chemotherapy" and rows[1]["plan"] == "measured"
    assert rows[3] | {"volume_cm3": "16.0"} == rows[3]
    assert (table.kind, table.media_type) == ("table", "text/csv")


def test_a_shorter_horizon_gives_the_same_numbers(call):
    near = call(volumes_cm3=[12.1, 14.0], plans=["radiotherapy"], horizon=2)
    far = call(volumes_cm3=[12.1, 14.0], plans=["radiotherapy"], horizon=6)
    rows = [list(csv.DictReader(result.artifacts[1].path.open())) for result in (near, far)]
    assert rows[1][: len(rows[0])] == rows[0]


def test_what_is_given_now_is_kept(call):
    result = call(volumes_cm3=[12.1, 14.0], radiotherapy_at=[2], plans=["none"], horizon=1)
    assert values(result)["volume at the next visit, no treatment"] == pytest.approx(11.2)
    assert report.KEPT.format(treatment="radiotherapy") in result.assumptions
    assert report.DEFAULT_HORIZON.format(horizon=1) not in result.assumptions


def test_plans_named_twice_or_not_at_all(call):
    twice = call(volumes_cm3=[12.1, 14.0], plans=["none", "none"])
    assert "Under no treatment" in twice.summary
    none = call(volumes_cm3=[12.1, 14.0], plans=[])
    assert len([label for label in values(none) if label.startswith("volume in")]) == 4
    assert report.ALL_PLANS in none.assumptions


def test_diameters_are_asked_about(call):
    assert any("diameters" in text for text in call(volumes_cm3=[32, 35, 38]).warnings)
    assert not any("diameters" in text for text in call(volumes_cm3=[32.5, 35, 38]).warnings)


def test_too_many_visits_are_declined(call):
    result = call(volumes_cm3=[12.5] * 200)
    assert result.abstained
    assert "200 visits" in result.summary and "latest 60" in result.summary
    assert call(volumes_cm3=[12.5] * 60).status == "ok"


@pytest.mark.parametrize("volumes", [[12.1, 121.0, 14.0], [12.1, 1.2, 1.3]])
def test_a_jump_is_declined_and_named(call, volumes):
    result = call(volumes_cm3=volumes)
    assert result.abstained
    assert "the change to visit 2" in result.reason
    assert not result.artifacts


def test_death_is_told(call):
    result = call(volumes_cm3=[900.5, 1000.0], plans=["none", "radiotherapy"])
    assert any("no treatment reaches 1150 cm3" in text for text in result.warnings)


def test_bad_input_is_a_sentence(call):
    with pytest.raises(ToolError, match="1500 cm3"):
        call(volumes_cm3=[12.1, 1500.0])


@pytest.fixture(scope="module")
def real():
    return Forecaster.load()


TYPED = [
    {"volumes_cm3": [12.1, 14.0, 15.2], "chemotherapy_at": [2]},
    {"volumes_cm3": [1.8, 2.0, 2.3], "plans": ["none"], "horizon": 6},
    {"volumes_cm3": [33.5, 35.9, 40.2], "radiotherapy_at": [2], "horizon": 1},
    {"volumes_cm3": [22.0, 25.3, 21.7, 18.9], "radiotherapy_at": [2, 3], "plans": ["none"]},
    {"volumes_cm3": [5.8, 6.4, 7.9, 7.2], "chemotherapy_at": [3], "radiotherapy_at": [3]},
    {"volumes_cm3": [6.4, 7.9, 7.1, 5.8, 6.2], "chemotherapy_at": [2, 3], "radiotherapy_at": [5]},
    {"volumes_cm3": [55.1, 48.7, 50.3, 46.6, 44.0], "chemotherapy_at": [1], "radiotherapy_at": [3]},
    {"volumes_cm3": [0.02, 0.021], "radiotherapy_at": [2]},
    {"volumes_cm3": [1100.0, 1149.0]},
    {"volumes_cm3": [20.5] * 60},
]


@shipped
@pytest.mark.parametrize("arguments", TYPED)
def test_the_shipped_weights_answer_what_clinicians_type(tmp_path, monkeypatch, real, arguments):
    monkeypatch.setattr(tool, "_loaded", [real])
    monkeypatch.setattr(tool, "draw", lambda *_: None)
    args = SimulateTreatment(**arguments)
    result = tool.simulate_treatment(args, ToolContext(artifact_dir=tmp_path))
    assert result.status == "ok"
    forecasts = [f for f in result.findings if f.label.startswith(("volume in", "volume at"))]
    assert len(forecasts) == len(args.plans)
    for finding in forecasts:
        low, high = finding.interval
        assert 0 <= low <= finding.value <= high <= 1150
    volume_of = {f.label.partition(", ")[2]: f.value for f in forecasts}
    if len(args.plans) == 4:  # in the simulator more treatment never makes a tumour larger
        assert volume_of["chemoradiotherapy"] <= min(volume_of.values()) * 1.02
        assert volume_of["no treatment"] >= max(volume_of.values()) * 0.98


@shipped
@pytest.mark.parametrize("volumes", [[12.1, 121.0, 14.0], [12.1, 1.21, 1.3], [10.0, 12.0, 120.0]])
def test_the_shipped_weights_decline_jumps(tmp_path, monkeypatch, real, volumes):
    monkeypatch.setattr(tool, "_loaded", [real])
    args = SimulateTreatment(volumes_cm3=volumes)
    assert tool.simulate_treatment(args, ToolContext(artifact_dir=tmp_path)).abstained


@shipped
def test_many_at_once_give_the_same(tmp_path, monkeypatch, real):
    monkeypatch.setattr(tool, "_loaded", [real])
    args = SimulateTreatment(volumes_cm3=[12.1, 14.0, 15.2], chemotherapy_at=[2])
    context = ToolContext(artifact_dir=tmp_path)
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: tool.simulate_treatment(args, context), range(3)))
    assert all(result.findings == results[0].findings for result in results)
    assert len({artifact.id for result in results for artifact in result.artifacts}) == 6


@shipped
def test_the_source_is_the_card():
    card = Card.read(WEIGHTS)
    assert (card.name, card.version) == (report.SOURCE.name, report.SOURCE.version)


@shipped
def test_bands_tell_the_truth_about_themselves():
    bands = Bands.read(WEIGHTS)
    rows = {row.where: row for row in bands.measured}
    for where in ("all", *(f"{ahead} visits ahead" for ahead in range(1, 7))):
        assert rows[where].share == pytest.approx(0.9, abs=0.02)
        assert rows[where].patients >= 10_000
    widths = [rows[name].width for name in ("2 visits", "3 visits", "5 visits", "21 to 60 visits")]
    assert widths == sorted(widths, reverse=True)  # wider where the history is short
    assert rows["one volume times 10: declined"].share > 0.95


@shipped
def test_damaged_or_foreign_bands_are_refused(tmp_path):
    for file in WEIGHTS.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    assert Forecaster.load(tmp_path)
    bands = Bands.read(tmp_path)
    bands.model_copy(update={"weights_sha256": "0" * 64}).save(tmp_path)
    with pytest.raises(ToolError, match="other weights"):
        Forecaster.load(tmp_path)
    (tmp_path / BANDS_FILE).write_text("{}")
    with pytest.raises(ToolError, match="missing or damaged"):
        Forecaster.load(tmp_path)
