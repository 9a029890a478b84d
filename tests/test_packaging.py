"""The folders on top install as `consilium.*`: editable, and as a wheel built from the sdist."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

import consilium.assistant
import consilium.finetune
import consilium.prompts
import consilium.tools

REPO = Path(__file__).parents[1]
FOLDERS = ("assistant", "finetune", "prompts", "tools")
LEFT_BEHIND = (".*", "build", "dist", "runs", "artifacts", "*.egg-info", "__pycache__")


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository without what tools left behind, so that a build cannot lean on it."""
    return shutil.copytree(
        REPO,
        tmp_path_factory.mktemp("build") / "source",
        symlinks=True,
        ignore=shutil.ignore_patterns(*LEFT_BEHIND),
    )


@pytest.fixture(scope="module")
def wheel(source: Path) -> Path:
    # without isolation, to work offline: torch brings setuptools, requirements.lock pins it
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", "../dist", cwd=source)
    (wheel,) = (source.parent / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def python(wheel: Path) -> Path:
    """Python of a new environment with the wheel, its dependencies borrowed from this one."""
    folder = wheel.parent / "venv"
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return python


def test_the_editable_install_is_the_repository():
    for package in (consilium.assistant, consilium.finetune, consilium.prompts, consilium.tools):
        name = package.__name__.removeprefix("consilium.")
        assert Path(package.__file__).resolve() == REPO / name / "__init__.py"


def test_the_wheel_holds_every_file_of_the_packages(source: Path, wheel: Path):
    files = {path.relative_to(source) for name in FOLDERS for path in (source / name).rglob("*.*")}
    expected = {f"consilium/{path.as_posix()}" for path in files} | {"consilium/py.typed"}
    assert expected - set(ZipFile(wheel).namelist()) == set()


def test_the_wheel_installs_no_other_name(wheel: Path):
    tops = {name.split("/")[0] for name in ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"consilium"}


@pytest.mark.parametrize("name", FOLDERS)
def test_the_installed_wheel_imports(python: Path, name: str):
    code = f"import consilium.{name} as package; print(package.__file__)"
    found = Path(run(python, "-c", code, cwd=python.parent).strip())
    assert found.is_relative_to(python.parent.parent)


@pytest.mark.parametrize("name", FOLDERS)
def test_no_bare_top_level_package(python: Path, name: str):
    code = f"from importlib.util import find_spec; print(find_spec({name!r}))"
    assert run(python, "-c", code, cwd=python.parent).strip() == "None"


def test_the_installed_command_runs(python: Path):
    assert "chat" in run(python.with_name("consilium"), "--help", cwd=python.parent)
