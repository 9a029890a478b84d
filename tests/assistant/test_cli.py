"""The command line as a user types it: in a process of its own."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from consilium.assistant.domain import ConsiliumError, TurnStatus
from consilium.assistant.lock import sole_chat
from consilium.assistant.settings import Settings
from consilium.assistant.store import Store


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


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    """A film that was chosen on the page of a running chat and not sent yet."""
    path = tmp_path / "cache" / "page" / "abc" / "film.png"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Callable[[], TurnStatus]]:
    """Tells how a turn stands that a chat has begun."""
    store = Store(Settings(home=tmp_path).database_url, tmp_path)
    conversation = store.create_conversation().id
    store.begin_turn(conversation, "hello")
    yield lambda: store.get(conversation).turns[0].status
    store.close()


def test_a_second_chat_touches_nothing_of_the_first(
    tmp_path: Path, upload: Path, running: Callable[[], TurnStatus]
) -> None:
    with sole_chat(tmp_path):
        done = consilium(tmp_path, "chat")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: A chat is already running on the data folder")
    assert running() is TurnStatus.RUNNING
    assert upload.exists()


def test_a_port_in_use_is_found_before_anything_is_tidied_up(
    tmp_path: Path, upload: Path, running: Callable[[], TurnStatus]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = consilium(tmp_path, "chat", "--port", str(other.getsockname()[1]))
    assert done.returncode == 1
    assert "is in use" in done.stderr
    assert running() is TurnStatus.RUNNING
    assert upload.exists()


def test_a_chat_that_was_killed_leaves_the_data_folder_free(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from consilium.assistant.lock import sole_chat\n"
        "with sole_chat(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(ConsiliumError, match="already running"), sole_chat(tmp_path):
            pass
        holder.kill()
    with sole_chat(tmp_path):
        pass


def test_no_library_reports_home_or_is_asked_for_a_tracer_that_is_gone() -> None:
    code = (
        "import os; os.environ['LANGCHAIN_TRACING'] = 'true';"
        "from consilium.assistant import cli; cli.app = lambda: None; cli.main();"
        "from gradio.analytics import analytics_enabled; from huggingface_hub import constants;"
        "print(analytics_enabled(), constants.HF_HUB_DISABLE_TELEMETRY, 'LANGCHAIN_TRACING' in os.environ)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=True
    )
    assert done.stdout.split() == ["False", "True", "False"]
