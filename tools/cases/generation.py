"""Generations: a case base on disk is always one whole, finished folder that never changes.

A write makes a new generation beside the current one and then replaces the file CURRENT, which names
it, in one atomic step. A process that is killed at any moment leaves CURRENT on the old generation or
on the new one; what it left half-made is swept away by the next write. Readers keep the files of the
generation that they opened.
"""

import os
import re
import secrets
import shutil
from collections.abc import Callable
from hashlib import file_digest
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from consilium.tools.contract import ToolError

_CURRENT = "CURRENT"
_MANIFEST = "manifest.json"
_CHECKED_AT_ONCE = (
    64 << 20
)  # bytes; of larger files only the size is looked at when they are opened
_DISK_FULL = re.compile("no space left|disk is full|disk I/O error", re.IGNORECASE)

MISSING = "There is no case base here yet: `consilium cases build` makes it once, in minutes."
EMPTY = (
    "The case base holds no case: `consilium cases build` brings 9,105 hospital patients, `consilium cases"
    " add FILE...` your own."
)
DAMAGED = (
    "The case base is damaged ({what}): `consilium cases rebuild` makes its index anew from the texts;"
    " if the texts are hurt too, bring the folder back from a backup."
)


class ModelInfo(BaseModel):
    """The embedding model that made the vectors; `folder` is empty for the embedded default."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str
    dimension: int
    folder: str = ""


class _File(BaseModel):
    bytes: int
    sha256: str


class Manifest(BaseModel):
    """What a generation holds; written last, so a folder without it was never finished."""

    format: int = 1
    number: int = 0
    cases: int
    model: ModelInfo
    files: dict[str, _File] = {}


class Generations:
    """The generations of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / "writer.lock")

    def current(self) -> Path | None:
        """Folder of the current generation; None where nothing was ever written.

        Raises
        ------
        ToolError
            If the file that names it is damaged.
        """
        try:
            name = (self._folder / _CURRENT).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return self._newest()  # the first writer was killed before it could name it
        except (OSError, UnicodeDecodeError) as error:
            raise ToolError(DAMAGED.format(what=f"{_CURRENT} cannot be read")) from error
        folder = self._folder / name
        if not name or folder.parent != self._folder or not folder.name.startswith("gen-"):
            raise ToolError(DAMAGED.format(what=f"{_CURRENT} names no generation"))
        return folder

    def start(self, repair: bool = False) -> Path | None:
        """What the next write starts from: the current generation.

        Parameters
        ----------
        repair : where CURRENT names none that is there, take the newest finished generation.

        Raises
        ------
        ToolError
            If CURRENT names none that is there, and it is not to be repaired.
        """
        try:
            current = self.current()
            if current is None or current.is_dir():
                return current
            raise ToolError(DAMAGED.format(what=f"{_CURRENT} names a generation that is gone"))
        except ToolError:
            if not repair:
                raise
            return self._newest()

    def _newest(self) -> Path | None:
        finished = sorted(path.parent for path in self._folder.glob(f"gen-*/{_MANIFEST}"))
        return finished[-1] if finished else None

    def write(
        self, fill: Callable[[Path | None, Path], Manifest | None], repair: bool = False
    ) -> None:
        """Make the next generation and switch to it; one writer at a time.

        Parameters
        ----------
        fill : writes the files, given the current generation's folder (None at first) and the new,
            empty one; returns what they hold, or None where nothing has to change.
        repair : start from the newest finished generation, if CURRENT names none.

        Raises
        ------
        ToolError
            If the disk is full or the folder cannot be written; the base is then as it was.
        """
        try:
            self._write(fill, repair)
        except (OSError, RuntimeError, SQLAlchemyError) as error:  # of files, of FAISS, of SQLite
            if isinstance(error, OSError) or _DISK_FULL.search(str(error)):
                why = getattr(error, "strerror", None) or "the disk is full"
                raise ToolError(
                    f"The case base cannot be written ({why}); it is as it was before."
                ) from error
            raise

    def _write(self, fill: Callable[[Path | None, Path], Manifest | None], repair: bool) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._lock:
            old = self.start(repair)
            self._sweep(keep=old, finished=False)
            new = self._folder / f"gen-{_number(old) + 1:08d}-{secrets.token_hex(4)}"
            new.mkdir()
            try:
                manifest = fill(old, new)
            except BaseException:
                shutil.rmtree(new, ignore_errors=True)
                raise
            if manifest is None:
                shutil.rmtree(new)
                return
            _seal(new, manifest.model_copy(update={"number": _number(new)}))
            self._switch(new)
            self._sweep(keep=new)

    def _switch(self, new: Path) -> None:
        name = self._folder / f"{_CURRENT}.new"
        name.write_text(new.name, encoding="utf-8")
        _sync(name)
        name.replace(self._folder / _CURRENT)
        _sync(self._folder)

    def _sweep(self, keep: Path | None, finished: bool = True) -> None:
        """Remove other generations: those that were never finished, and on demand the finished ones."""
        for path in self._folder.glob("gen-*"):
            if path != keep and (finished or not (path / _MANIFEST).exists()):
                # a reader on Windows may hold it: then the next write tries again
                shutil.rmtree(path, ignore_errors=True)


def read_manifest(generation: Path, check: bool = True) -> Manifest:
    """Manifest of a generation, its files compared by size, smaller ones by hash.

    Parameters
    ----------
    check : whether to compare the files at all.

    Raises
    ------
    ToolError
        If it is damaged, or was swept away for a newer one.
    """
    try:
        manifest = Manifest.model_validate_json((generation / _MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise ToolError(DAMAGED.format(what=f"{_MANIFEST} cannot be read")) from error
    if check:
        check_files(generation, manifest, _CHECKED_AT_ONCE)
    return manifest


def check_files(generation: Path, manifest: Manifest, largest: float = float("inf")) -> None:
    """Compare every file with its manifest: all by size, those up to `largest` bytes by SHA-256.

    Raises
    ------
    ToolError
        If a file is not as it was written.
    """
    for name, file in manifest.files.items():
        path = generation / name
        size = path.stat().st_size if path.is_file() else 0
        if size != file.bytes:
            raise ToolError(DAMAGED.format(what=f"{name} has {size} bytes, not {file.bytes}"))
        if size <= largest and _sha256(path) != file.sha256:
            raise ToolError(DAMAGED.format(what=f"{name} has changed since it was written"))


def _seal(folder: Path, manifest: Manifest) -> None:
    files = {}
    for path in sorted(folder.iterdir()):
        _sync(path)
        files[path.name] = _File(bytes=path.stat().st_size, sha256=_sha256(path))
    path = folder / _MANIFEST
    sealed = manifest.model_copy(update={"files": files})
    path.write_text(sealed.model_dump_json(indent=2) + "\n", encoding="utf-8")
    _sync(path)
    _sync(folder)


def _number(folder: Path | None) -> int:
    return int(folder.name.split("-")[1]) if folder else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Bring a file or folder from the system's memory to the disk, where the system can."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
