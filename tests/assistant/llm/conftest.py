"""The embedded model, loaded once for the tests that need it."""

from pathlib import Path

import pytest

from consilium.assistant.llm.local import LocalModel
from consilium.assistant.settings import load_settings
from consilium.tools.registry import TOOLS


def embedded_folder() -> Path:
    """The embedded model's folder; the test is skipped where it was not fetched."""
    folder = load_settings().home / "models" / "smollm2-135m-instruct"
    if not folder.exists():
        pytest.skip(f"the embedded model is not in {folder} (run `consilium fetch`)")
    return folder


@pytest.fixture(scope="session")
def embedded() -> LocalModel:
    return LocalModel.load(embedded_folder(), list(TOOLS.values()))
