"""A pinned wheel from the user's package index, fetched as a file and never installed.

pip says where the wheel is, so the user's index, mirror and proxy settings hold. The file itself is
then streamed here, because pip forgets an interrupted download and this one resumes it.
"""

import errno
import hashlib
import json
import logging
import subprocess
import sys
import time
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tqdm import tqdm

from consilium.tools.contract import ToolError

_PAUSES = (1, 2, 4, 8)  # seconds before the next attempt, counted anew after progress
_TIMEOUT = 30  # seconds without a byte
_CHUNK = 1 << 18

_log = logging.getLogger(__name__)


def fetch_wheel(requirement: str, sha256: str, folder: Path, what: str) -> Path:
    """Bring the wheel of a pinned requirement into `folder`.

    An interrupted download continues from its `.part` file at the next call.

    Parameters
    ----------
    requirement
        Such as `name==1.2.3`.
    sha256
        What the wheel's content must hash to.
    folder
        Existing folder for the wheel.
    what
        What a person calls it; stands at the progress bar.

    Raises
    ------
    ToolError
        If the wheel cannot be had, or is not the one expected (it is then deleted).
    """
    wheel = folder / f"{requirement.replace('==', '-')}.whl"
    if wheel.is_file() and file_sha256(wheel) == sha256:
        return wheel
    part = wheel.with_name(f"{wheel.name}.part")
    _download(requirement, _locate(requirement), part, what)
    if (found := file_sha256(part)) != sha256:
        part.unlink()
        raise ToolError(
            f"The download of {requirement} is not the file expected (SHA-256 {found[:12]}…, not"
            f" {sha256[:12]}…) and was deleted: run this again, and if it repeats check the package"
            " index that pip is set to."
        )
    return part.replace(wheel)


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _locate(requirement: str) -> str:
    """Ask pip for the wheel's address.

    With fast-deps pip reads metadata only, by ranges where the index does not serve it apart.
    """
    options = ("--dry-run", "--ignore-installed", "--use-feature", "fast-deps", "--report", "-")
    report = _pip("install", *options, requirement)
    if report.returncode:
        raise _unreachable(requirement, report.stderr)
    return str(json.loads(report.stdout)["install"][0]["download_info"]["url"])


def _download(requirement: str, url: str, part: Path, what: str) -> None:
    try:
        _stream_with_retries(url, part, what)
    except (OSError, HTTPException) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        if _size(part) and not isinstance(error, HTTPError):
            raise ToolError(
                f"The download of {requirement} broke off ({error}): run this again and it goes on"
                f" after the {_size(part) / 1e6:.0f} MB that are here."
            ) from error
        _log.info("direct download failed (%s), pip downloads instead", error)
        _download_with_pip(requirement, part)


def _stream_with_retries(url: str, part: Path, what: str) -> None:
    failures = 0
    while True:
        before = _size(part)
        try:
            _stream(url, part, what)
        except HTTPError as error:
            if error.code == 416:  # nothing after the bytes that are here
                return
            if error.code < 500:
                raise
            reason: Exception = error
        except (OSError, HTTPException) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            reason = error
        else:
            return
        failures = 1 if _size(part) > before else failures + 1
        if failures > len(_PAUSES):
            raise reason
        _log.warning("download interrupted (%s), trying again", reason)
        time.sleep(_PAUSES[failures - 1])


def _stream(url: str, part: Path, what: str) -> None:
    """Append to `part` what it lacks; a server without ranges sends all of it again."""
    have = _size(part)
    request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 - pip's address
    with urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
        start = have if response.status == 206 else 0
        length = response.headers["Content-Length"]
        total = start + int(length) if length else None
        with (
            part.open("ab" if start else "wb") as file,
            tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=what) as bar,
        ):
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    if total is not None and _size(part) < total:
        raise ConnectionError("the server closed the connection early")


def _download_with_pip(requirement: str, part: Path) -> None:
    """For an index that needs what only pip knows: a password, a certificate, a special proxy."""
    with TemporaryDirectory(dir=part.parent) as folder:
        done = _pip("download", "--dest", folder, requirement)
        if done.returncode:
            raise _unreachable(requirement, done.stderr)
        (wheel,) = Path(folder).glob("*.whl")
        wheel.replace(part)


def _pip(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    options: Sequence[str] = ("--quiet", "--no-input", "--no-deps", "--only-binary", ":all:")
    return subprocess.run(  # noqa: S603 - constant words and a pinned requirement
        [sys.executable, "-m", "pip", command, *options, *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _unreachable(requirement: str, stderr: str) -> ToolError:
    errors = [line for line in stderr.splitlines() if line.startswith("ERROR: ")]
    reason = errors[-1].removeprefix("ERROR: ") if errors else stderr.strip() or "no reason given"
    return ToolError(
        f"pip cannot get {requirement} ({reason}): check the network and the package index that"
        " pip is set to, then run this again."
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
