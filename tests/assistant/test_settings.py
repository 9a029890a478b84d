"""Settings: flags over environment over file; a wrong value is one sentence that names it."""

from pathlib import Path

import pytest

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.settings import load_settings
from consilium.tools.home import data_home


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONSILIUM_HOME", str(tmp_path))
    return tmp_path


def test_defaults(home: Path) -> None:
    settings = load_settings()
    assert settings.port == 7860
    assert settings.database_url == f"sqlite:///{home / 'consilium.sqlite'}"


def test_flag_over_environment_over_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "consilium.toml").write_text("port = 1111\nmax_upload_mb = 5\n")
    assert load_settings().port == 1111
    monkeypatch.setenv("CONSILIUM_PORT", "2222")
    assert load_settings(port=None).port == 2222
    assert load_settings(port=3333).port == 3333
    assert load_settings().max_upload_mb == 5


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("port = 99999", "Setting port: Input should be less than or equal to 65535"),
        ("prot = 1", "Setting prot: Extra inputs"),
        ('backend = "openai"', "backend openai needs base_url and model"),
        ('home = "/elsewhere"', "Setting home: .* set CONSILIUM_HOME"),
        ("port = = 1", "consilium.toml cannot be read"),
    ],
)
def test_a_wrong_file_names_what_is_wrong(home: Path, file: str, says: str) -> None:
    (home / "consilium.toml").write_text(file)
    with pytest.raises(ConsiliumError, match=says):
        load_settings()


@pytest.mark.parametrize("named", ["", "~/somewhere", "relative"])
def test_the_specialists_know_the_same_data_folder(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSILIUM_HOME", named)
    assert load_settings().home == data_home()


def test_an_api_key_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSILIUM_API_KEY", "sk-secret")
    assert "sk-secret" not in repr(load_settings())
