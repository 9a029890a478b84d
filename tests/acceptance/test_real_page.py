"""A newcomer's first minute: the real command, the real models, the clickable example.

`make screenshot` has it take the picture that the README shows.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from browser import ChatPage

from consilium.assistant.llm.weights import EMBEDDED
from consilium.assistant.settings import load_settings

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.timeout(600)]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """`consilium chat` as a process of its own, with an empty data folder that shares the language model."""
    models = load_settings().home / "models"
    if not (models / EMBEDDED.name).exists():
        pytest.skip("the embedded model is not there (run `consilium fetch`)")
    (tmp_path / "models").symlink_to(models)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).with_name("consilium")
    process = subprocess.Popen(
        [program, "chat", "--port", str(port)], env={**os.environ, "CONSILIUM_HOME": str(tmp_path)}
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 240
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(address):
                return
        except URLError:
            time.sleep(0.5)
    raise AssertionError(f"the page did not come up (exit code {process.poll()})")


def test_the_sample_film_is_read(url: str, open_page: Callable[[str], ChatPage]) -> None:
    page = open_page(url)
    page.see("Research use only")
    page.click_text("sample chest film", "#chat button")
    page.see("analyze_scan", "#chat", seconds=180)
    page.see("95 % interval", "#chat", seconds=180)  # words of the answer alone
    page.wait(lambda: page.idle, "the end of the turn", 180)
    assert page.all("#chat img"), "no picture"
    if picture := os.environ.get("CONSILIUM_SCREENSHOT"):
        page.screenshot(Path(picture))
    page.send("Thanks!")
    page.wait(lambda: page.idle, "the end of the turn", 180)
