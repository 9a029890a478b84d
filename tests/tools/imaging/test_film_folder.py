"""A folder of films: one row each, refusals told, an interrupted run goes on."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from consilium.assistant.cli import app
from consilium.tools.contract import ToolError
from consilium.tools.imaging.folder import COLUMNS, done_before
from consilium.tools.imaging.labels_file import read_labels
from consilium.tools.imaging.tool import load_reader

_RUN = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    films = tmp_path / "films"
    (films / "ward").mkdir(parents=True)
    ramp = np.tile(np.linspace(20, 230, 160, dtype=np.uint8), (160, 1))
    for name in ("a.png", "ward/b.jpg", "c.png", "d.png"):
        Image.fromarray(ramp).save(films / name)
    (films / "notes.txt").write_text("no film")
    return films


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_file_gets_its_row_and_a_second_run_adds_none(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.csv"
    for _ in range(2):
        done = _RUN.invoke(app, ["scans", str(folder), "--out", str(out)])
        assert done.exit_code == 0, done.output
    rows = _rows(out)
    assert [row["file"] for row in rows] == ["a.png", "c.png", "d.png", "notes.txt", "ward/b.jpg"]
    assert rows[3]["abstained"] == "true"
    assert "text file" in rows[3]["reason"]
    for row in rows:
        assert row["abstained"] == "true" or 0 <= float(row["probability"]) <= 1


def test_a_row_that_was_cut_is_read_again(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.csv"
    whole = ",".join(COLUMNS) + "\na.png,pneumonia,,,,,true,no,,0.1\n"
    out.write_text(whole + "c.png,pneum")
    assert done_before(out) == {"a.png"}
    assert out.read_text() == whole


def test_somebody_elses_file_is_not_written_to(tmp_path: Path) -> None:
    out = tmp_path / "thesis.csv"
    out.write_text("chapter,words\n1,2\n")
    with pytest.raises(ToolError, match="another --out"):
        done_before(out)


def test_labelled_films_are_measured(folder: Path, tmp_path: Path) -> None:
    labels, report = folder / "labels.csv", tmp_path / "report.json"
    lines = [
        f"{name},{label}"
        for name, label in zip(
            ("a.png", "ward/b.jpg", "c.png", "d.png"), ("normal", "pneumonia") * 2, strict=True
        )
    ]
    labels.write_text("\n".join(["file,label", *lines, "gone.png,normal", ""]))
    done = _RUN.invoke(app, ["eval", "imaging", "--labels", str(labels), "--report", str(report)])
    assert done.exit_code == 0, done.output
    measured = json.loads(report.read_text())["all"]
    assert (measured["films"], measured["pneumonias"]) == (4, 2)
    for figure in ("auc", "conformal coverage", "neither likely nor unlikely"):
        assert 0 <= measured["figures"][figure]["value"] <= 1
    assert list(measured["unreadable"]) == ["gone.png"]


def test_only_the_test_split_counts_however_it_is_written(tmp_path: Path) -> None:
    labels, card = tmp_path / "labels.csv", load_reader().card
    labels.write_text("file,label,split\na.png,normal,Train\nb.png,normal, Test\nc.png,normal,\n")
    assert [film.file for film in read_labels(labels, card)] == ["b.png"]
    labels.write_text("file,label,split\na.png,normal,train\n")
    with pytest.raises(ToolError, match="none of split test"):
        read_labels(labels, card)


def test_a_labels_file_without_its_columns_is_refused(tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("picture,label\na.png,normal\n")
    with pytest.raises(ToolError, match="Line 2"):
        read_labels(labels, load_reader().card)
