"""The command line as a user types it: in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image


def consilium(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("consilium")
    return subprocess.run(
        [program, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "CONSILIUM_HOME": str(home)},
        timeout=240,
        check=False,
    )


def test_tools_lists_schemas(tmp_path: Path) -> None:
    done = consilium(tmp_path, "tools", "--json")
    listed = {tool["name"]: tool for tool in json.loads(done.stdout)}
    assert done.returncode == 0
    assert listed["analyze_scan"]["available"]
    assert all(tool["available"] for tool in listed.values())
    assert listed["predict_risk"]["schema"]["required"][:2] == ["age", "sex"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["call", "heal", "{}"], 2, "There is no tool heal"),
        (["call", "analyze_scan", "{"], 2, "not JSON"),
        (["call", "analyze_scan", "[]"], 2, "JSON object"),
        (["call", "analyze_scan", '{"image": "scan-1"}'], 1, "no attachment of that id"),
        (["call", "analyze_scan", '{"image": 3}'], 1, "valid string"),
        (["eval", "tools", "nowhere.jsonl"], 2, "does not exist"),
        (["ask", "hello", "--backend", "openai"], 1, "needs base_url and model"),
        (["chat", "--port", "99999"], 1, "Setting port"),
    ],
)
def test_mistakes_end_with_a_sentence_and_a_code(
    tmp_path: Path, words: list[str], code: int, says: str
) -> None:
    done = consilium(tmp_path, *words)
    assert says in " ".join((done.stdout + done.stderr).replace("│", " ").split())
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_film_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.png"
    empty.touch()
    done = consilium(
        tmp_path, "call", "analyze_scan", '{"image": "scan-1"}', "--attach", str(empty)
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: File 1: ")


def test_call_reads_a_film(tmp_path: Path) -> None:
    film = tmp_path / "film.png"
    Image.radial_gradient("L").resize((400, 360)).save(film)
    done = consilium(
        tmp_path, "call", "analyze_scan", '{"image": "scan-1"}', "--attach", str(film), "--json"
    )
    result = json.loads(done.stdout)
    assert result["status"] in {"ok", "abstained"}
    assert done.returncode == (0 if result["status"] == "ok" else 3)


def test_doctor_says_what_is_missing(tmp_path: Path) -> None:
    done = consilium(tmp_path, "doctor", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert done.returncode == 1
    assert not checks["language model"]["ok"]
    assert "consilium fetch" in checks["language model"]["says"]
    assert checks["data folder"]["ok"]


def test_no_library_reports_home() -> None:
    code = (
        "from consilium.assistant import cli; cli.app = lambda: None; cli.main();"
        "from gradio.analytics import analytics_enabled; from huggingface_hub import constants;"
        "print(analytics_enabled(), constants.HF_HUB_DISABLE_TELEMETRY)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=True
    )
    assert done.stdout.split() == ["False", "True"]
