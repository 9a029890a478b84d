"""The evaluation on a tiny folder of the same shape, and the trials it ships with."""

import csv
import gzip

import numpy as np
import pytest
import yaml

from consilium.tools.cases import evaluate, measures
from consilium.tools.cases.evaluate import TRIALS
from consilium.tools.contract import ToolError

COLUMNS = (
    "sno age death sex hospdead slos d.time dzgroup num.co scoma adlp adls hday meanbp wblc hrt resp temp pafi"
    " alb bili crea sod ph glucose bun urine diabetes dementia ca dnr sfdm2"
).split()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "_TEST_PATIENTS", 20)
    monkeypatch.setattr(measures, "_DRAWS", 20)
    trials = yaml.safe_load(TRIALS.read_text(encoding="utf-8"))
    few = tmp_path / "trials.yaml"
    few.write_text(yaml.safe_dump({part: entries[:6] for part, entries in trials.items()}))
    monkeypatch.setattr(evaluate, "TRIALS", few)
    films = tmp_path / evaluate.FILMS
    films.parent.mkdir()
    findings = ("Cardiomegaly", "Scoliosis", "normal")
    with films.open("w", encoding="utf-8", newline="") as out:
        rows = csv.DictWriter(out, ("uid", "Problems", "findings", "impression"))
        rows.writeheader()
        for number in range(60):
            term = findings[number % 3]
            text = "Lungs clear." if term == "normal" else f"{term} number{number}. No effusion."
            rows.writerow({"uid": number, "Problems": term, "findings": text, "impression": ""})
    patients = tmp_path / evaluate.PATIENTS
    patients.parent.mkdir()
    chance = np.random.default_rng(2)
    with gzip.open(patients, "wt", encoding="utf-8", newline="") as out:
        rows = csv.DictWriter(out, COLUMNS, restval="1")
        rows.writeheader()
        for number in range(120):
            dies = number % 2
            rows.writerow({
                "sno": number + 1, "age": 40 + 30 * dies + int(chance.integers(5)), "death": dies,
                "sex": "female", "hospdead": dies, "slos": 9, "d.time": 20 if dies else 900,
                "dzgroup": "Coma" if dies else "COPD", "ca": "no", "dnr": "no dnr", "sfdm2": "",
                "meanbp": 60 if dies else 90, "temp": "" if number % 5 else 37, "adlp": "" if number % 7 else 2,
            })  # fmt: skip
    return tmp_path


def test_every_figure_has_its_number_and_interval(folder, tmp_path, embedder):
    embedder = type(embedder)(512)
    report = evaluate.evaluate(folder, embedder, tmp_path / "cache")
    for figures in (report.films, report.patients, report.negation, report.near):
        for figure in figures.values():
            assert figure.low <= figure.value <= figure.high
            assert figure.n
    assert report.films["P@1"].value == 1
    assert report.films["P@1"].n == 40
    assert report.films_unseen_half["P@1"].n == 20
    assert report.patients["vote of 20"].value > 0.95
    assert report.patients["logistic regression"].value > 0.95
    assert set(report.data) == {evaluate.FILMS, evaluate.PATIENTS}
    assert any("P@5" in line for line in evaluate.told(report))
    embedder.embedded.clear()
    assert evaluate.evaluate(folder, embedder, tmp_path / "cache") == report
    assert not any("Scoliosis number" in text for text in embedder.embedded)


def test_a_folder_without_the_data(tmp_path, embedder):
    with pytest.raises(ToolError, match="indiana_reports"):
        evaluate.evaluate(tmp_path, embedder, tmp_path)


def test_what_the_folder_does_not_hold_is_left_out(folder, tmp_path, embedder):
    (folder / evaluate.PATIENTS).unlink()
    (folder / evaluate.PAIRS).write_text("ask,says,denies\ncough,Dry cough.,No cough.\n")
    films = folder / evaluate.FILMS
    films.write_text(
        films.read_text().replace("\n1,", "\nCXR 1/a,").replace("Scoliosis number4.", "")
    )
    report = evaluate.evaluate(folder, embedder, tmp_path / "cache")
    assert report.films["P@1"].n == 40
    assert report.patients == {}
    assert report.negation[evaluate.PAIRS].value == 1
    assert not any("patients" in line for line in evaluate.told(report))


@pytest.mark.parametrize(
    "text", ["uid,text\n1,Fever\n", "uid,Problems,findings,impression\n1,normal,x,\n"]
)
def test_a_table_of_something_else(folder, tmp_path, embedder, text):
    (folder / evaluate.FILMS).write_text(text)
    with pytest.raises(ToolError):
        evaluate.evaluate(folder, embedder, tmp_path / "cache")


def test_trials_are_many_and_well_formed():
    trials = yaml.safe_load(TRIALS.read_text(encoding="utf-8"))
    assert len(trials["negation"]) >= 60
    for pair in trials["negation"] + trials["negation_unseen"]:
        _, yes, no = pair
        assert all(isinstance(text, str) and text for text in pair)
        assert yes != no
    for part in ("clinical_patients", "clinical_films", "strange"):
        assert len(set(trials[part])) == len(trials[part]) >= 20
