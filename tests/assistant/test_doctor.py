"""The doctor, where an installation is not whole."""

import sys
from pathlib import Path

import pytest

from consilium.assistant import doctor
from consilium.assistant.settings import Settings


def test_without_torch_it_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed
    monkeypatch.setattr(doctor, "TOOLS", {})
    settings = Settings(home=tmp_path, backend="openai", model="m", base_url="http://127.0.0.1:9")
    checks = {check.name: check for check in doctor.examine(settings)}
    assert not checks["device"].ok
    assert "torch" in checks["device"].says
    assert checks["database"].ok
