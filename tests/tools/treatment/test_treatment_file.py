"""Files of many patients as hospitals export them, a batch that is cut off, import for retraining."""

import csv

import pytest
import typer
from typer.testing import CliRunner

from consilium.tools.contract import ToolError
from consilium.tools.treatment import batch, tool
from consilium.tools.treatment.batch import COLUMNS, forecast_file
from consilium.tools.treatment.commands import treatment
from consilium.tools.treatment.import_histories import import_histories
from consilium.tools.treatment.network import UNKNOWN_KIND
from consilium.tools.treatment.patients_file import read_patients

PLAIN = """patient,visit,volume_cm3,chemotherapy,radiotherapy
P-1,1,12.1,0,0
P-1,2,14.0,1,0
P-1,3,15.2,0,0
P-2,1,40,0,1
P-2,2,33.5,0,0
"""


def write(folder, text, encoding="utf-8"):
    path = folder / "patients.csv"
    path.write_text(text, encoding=encoding)
    return path


def by_name(patients):
    return {patient.name: patient for patient in patients}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (PLAIN, "utf-8"),
        (PLAIN.replace(",", ";").replace(".", ","), "utf-8-sig"),
        (PLAIN.replace(",", "\t").replace("\n", "\r\n"), "utf-8"),
        (PLAIN.replace(",", "\t").replace(".", ",").replace("\n", "\r\n"), "utf-16"),
        ("\ufeff" + PLAIN, "utf-16-be"),
        (PLAIN.replace("12.1", '"12,1"').replace("\n", "\n\n"), "utf-8"),
        (PLAIN.replace("volume_cm3", " Volume CM³ ").replace("radiotherapy", "RT"), "cp1252"),
        (PLAIN.replace(",0", ",no").replace(",1,0\n", ",yes,\n"), "utf-8"),
        (PLAIN.replace("patient,", "site,Patient,").replace("P-", "München,P-"), "cp1252"),
    ],
)
def test_many_spellings_of_one_file(tmp_path, text, encoding):
    first, second = read_patients(write(tmp_path, text, encoding))
    assert (first.name, second.name) == ("P-1", "P-2")
    assert first.history.volumes.tolist() == [12.1, 14.0, 15.2]
    assert second.history.volumes.tolist() == [40, 33.5]
    if "no" not in text:
        assert first.history.treatments.tolist() == [[0, 0], [1, 0], [0, 0]]
        assert second.history.treatments.tolist() == [[0, 1], [0, 0]]


def test_rows_may_stand_in_any_order_and_columns_be_missing(tmp_path):
    text = "visit,volume_cm3,patient\n2,14,A\n1,40,B\n1,12.1,A\n2,30,B\n"
    first, second = read_patients(write(tmp_path, text))
    assert first.history.volumes.tolist() == [12.1, 14]
    assert second.history.treatments.tolist() == [[0, 0], [0, 0]]


def test_a_patient_that_cannot_be_right_harms_no_other(tmp_path):
    rows = {
        "gap": "gap,1,12,0,0\ngap,3,13,0,0\n",
        "late": "late,2,12,0,0\nlate,3,13,0,0\n",
        "zeroth": "zeroth,0,12,0,0\nzeroth,1,13,0,0\n",
        "twice": "twice,1,12,0,0\ntwice,1,13,0,0\n",
        "half": "half,1.5,12,0,0\nhalf,2,13,0,0\n",
        "none": "none,1,,0,0\nnone,2,13,0,0\n",
        "word": "word,1,large,0,0\nword,2,13,0,0\n",
        "zero": "zero,1,0,0,0\nzero,2,13,0,0\n",
        "one": "one,1,12,0,0\n",
        "huge": "huge,1,12,0,0\nhuge,2,1500,0,0\n",
        "dose": "dose,1,12,2.5,0\ndose,2,13,0,0\n",
        "comma": "comma,1,12,5,0,0\ncomma,2,13,0,0\n",
        "(line 28)": ",1,12,0,0\n",
    }
    patients = by_name(read_patients(write(tmp_path, PLAIN + "".join(rows.values()))))
    assert patients["P-1"].history and patients["P-2"].history
    for name, words in {
        "gap": "Visit 2 is missing",
        "late": "Visit 1 is missing",
        "zeroth": "Visit 1 is missing",
        "twice": "Visit 1 stands in the file twice",
        "half": "whole number",
        "none": "visit 1 is missing or not a number",
        "word": "visit 1 is missing or not a number",
        "zero": "0 cm3",
        "one": "at least two visits",
        "huge": "1500 cm3",
        "dose": "other than 0 or 1 under chemotherapy",
        "comma": "6 columns where the header has 5",
    }.items():
        assert patients[name].history is None
        assert words in patients[name].problem
    assert any("names no patient" in patient.problem for patient in patients.values())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty"),
        ("\0\1\2", "not a text file"),
        ("PK\3\4 rest of a workbook", "workbook"),
        ("patient,visit,volume_cm3\n", "no rows"),
        ("patient,volume_cm3\nA,3\n", "no column visit"),
        ("patient,visit,diameter_mm\nA,1,30\n", "gives diameters"),
        ("patient,visit,volume_cm3,volume_cc\nA,1,3,3\n", "more than one column"),
        ("just some words", "no column patient"),
        (PLAIN.replace("P-1,3", '"P-1,3'), "row that begins in line 4"),
    ],
)
def test_files_that_are_refused(tmp_path, text, sentence):
    with pytest.raises(ToolError, match=sentence):
        read_patients(write(tmp_path, text))


def test_a_batch(tmp_path, forecaster):
    text = PLAIN + "bad,1,12,0,0\njump,1,5,0,0\njump,2,50,0,0\n"
    out = tmp_path / "out.csv"
    counts = forecast_file(forecaster, write(tmp_path, text), out, ["none", "radiotherapy"], 2)
    assert counts == {"ok": 2, "error": 1, "abstained": 1}
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 2 * 2 * 2 + 2
    first = rows[0]
    assert (first["patient"], first["plan"], first["visits_ahead"]) == ("P-1", "none", "1")
    assert float(first["volume_cm3"]) == pytest.approx(15.2 * 1.05, abs=0.06)
    assert {row["plan"] for row in rows if row["lowest"] == "1"} == {"radiotherapy"}
    said = {row["patient"]: row["message"] for row in rows}
    assert "at least two visits" in said["bad"]
    assert "visit 2" in said["jump"]
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []
    with pytest.raises(ToolError, match="exists already"):
        forecast_file(forecaster, tmp_path / "patients.csv", out, ["none"], 2)


def test_an_interrupted_batch_goes_on(tmp_path, forecaster, monkeypatch):
    names = [f'P,{number}"x' for number in range(6)]
    rows = [(name, visit, 10 + visit, 0, 0) for name in names for visit in (1, 2)]
    file = tmp_path / "patients.csv"
    with file.open("w", newline="") as target:
        csv.writer(target).writerows([("patient", "visit", "volume_cm3", "chemo", "radio"), *rows])
    whole, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    forecast_file(forecaster, file, whole, ["none"], 3)

    asked = []
    rows_of = batch._rows

    def stop_at_the_fourth(forecaster, patient, plans, horizon):
        asked.append(patient.name)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return rows_of(forecaster, patient, plans, horizon)

    monkeypatch.setattr(batch, "_rows", stop_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        forecast_file(forecaster, file, out, ["none"], 3)
    growing = tmp_path / "out.csv.part"
    growing.write_text(growing.read_text()[:-7])  # power was cut in the middle of a row
    forecast_file(forecaster, file, out, ["none"], 3)
    assert asked == names[:4] + names[2:]
    assert out.read_text() == whole.read_text()


def test_a_batch_does_not_go_on_with_other_settings(tmp_path, forecaster, monkeypatch):
    file, out = write(tmp_path, PLAIN), tmp_path / "out.csv"
    with monkeypatch.context() as patched:
        patched.setattr(batch, "_rows", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            forecast_file(forecaster, file, out, ["none"], 3)
    forecast_file(forecaster, file, out, ["chemotherapy"], 1)
    assert {row["plan"] for row in csv.DictReader(out.open())} == {"chemotherapy"}


def test_the_command(tmp_path, monkeypatch, forecaster):
    monkeypatch.setattr(tool, "_loaded", [forecaster])
    app = typer.Typer()
    app.command()(treatment)
    file, out = write(tmp_path, PLAIN), tmp_path / "out.csv"
    ran = CliRunner().invoke(
        app, [str(file), "--out", str(out), "--plan", "none", "--horizon", "1"]
    )
    assert ran.exit_code == 0
    assert "2 patients forecast, 0 declined, 0 with errors" in ran.stdout
    assert len(out.read_text().splitlines()) == 1 + 2
    other = [str(file), "--out", str(tmp_path / "other.csv")]
    assert isinstance(CliRunner().invoke(app, [*other, "--plan", "surgery"]).exception, ToolError)
    assert CliRunner().invoke(app, [*other, "--horizon", "50"]).exit_code == 2


def test_the_command_names_what_it_did_not_read(tmp_path, monkeypatch, forecaster):
    monkeypatch.setattr(tool, "_loaded", [forecaster])
    app = typer.Typer()
    app.command()(treatment)
    file = write(tmp_path, PLAIN.replace("chemotherapy", "chemo given"))
    ran = CliRunner().invoke(app, [str(file), "--out", str(tmp_path / "out.csv")])
    assert "taken as never given: chemotherapy." in ran.stdout
    assert "Not read: chemo_given." in ran.stdout


def test_import_for_retraining(tmp_path):
    courses = import_histories(write(tmp_path, PLAIN))
    assert courses.last.tolist() == [2, 1]
    assert courses.volumes.tolist() == [[12.1, 14.0, 15.2], [40, 33.5, 0]]
    assert courses.chemo.tolist() == [[False, True, False], [False, False, False]]
    assert courses.radio.tolist() == [[False, False, False], [True, False, False]]
    assert courses.kind.tolist() == [UNKNOWN_KIND] * 2


def test_import_refuses_a_wrong_patient_without_naming_it(tmp_path):
    with pytest.raises(ToolError, match=r"1 of 3 patients.*number 3.*visits") as refusal:
        import_histories(write(tmp_path, PLAIN + "Erika Muster,1,12,0,0\n"))
    assert "Erika" not in str(refusal.value)
