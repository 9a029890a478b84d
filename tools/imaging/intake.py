"""The one door for uploads: whatever comes in, one de-identified greyscale film comes out.

No header, EXIF block, name, number or date of the upload is kept: the film is written anew from its
pixels. Text burned into the pixels is not removed.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from consilium.tools.contract import ToolError

# Seconds by the clock for one file: only for a child that waits; `worker` limits its processor time.
TIME_LIMIT = 180.0
_OUT_OF_TIME = getattr(signal, "SIGXCPU", 0)
_FILES_PER_CHILD = 500  # what leaks in old decoders is given back after that many


@dataclass(frozen=True)
class Admitted:
    """An upload that was let in.

    Parameters
    ----------
    path : `film.png`, greyscale, 8 or 16 bit, upright, in the film's own size.
    preview : `preview.png`, 8 bit, at most 512 pixels a side.
    media_type : of the upload, by its content.
    width, height : of the film, pixels.
    facts : harmless facts from the upload's header, e.g. {"view": "PA", "age": "54"}.
    """

    path: Path
    preview: Path
    media_type: str
    width: int
    height: int
    facts: dict[str, str]


def admit(source: Path, folder: Path) -> Admitted:
    """Decode one upload in a child process of its own and write the film into `folder`.

    Raises
    ------
    ToolError
        One sentence that says what is wrong with the file and what to do.
    """
    with Door() as door:
        return door.admit(source, folder)


class Door:
    """A child process that opens one file after the other; a child that dies or hangs is replaced.

    Not to be shared by threads.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None
        self._opened = 0

    def __enter__(self) -> "Door":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def admit(self, source: Path, folder: Path) -> Admitted:
        """Decode a file and write the film into `folder`.

        Raises
        ------
        ToolError
            One sentence that says what is wrong with the file and what to do.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if source.exists() and not source.is_file():  # a pipe would never end
                raise ToolError("This is not a file: please attach the film itself.")
        except OSError:
            raise ToolError("The film could not be stored: please make room on the disk.") from None
        answer = self._ask(source, folder) or self._ask(source, folder)
        if answer is None:
            raise ToolError(
                "The file could not be opened safely: please export the film again, uncompressed."
            )
        if "refusal" in answer:
            raise ToolError(answer["refusal"])
        return Admitted(path=folder / "film.png", preview=folder / "preview.png", **answer)

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None

    def _ask(self, source: Path, folder: Path) -> dict[str, Any] | None:
        """Return the child's answer, or None if it died: of this file, or of a machine short of memory.

        Raises
        ------
        ToolError
            If the child took too long.
        """
        if self._child is None or self._opened >= _FILES_PER_CHILD:
            self.close()
            self._child, self._opened = _start(), 0
        self._opened += 1
        child, late = self._child, threading.Event()

        def stop() -> None:
            late.set()
            child.kill()

        clock = threading.Timer(TIME_LIMIT, stop)
        clock.start()
        try:
            # The name, which may be a patient's, goes through the pipe: no list of processes shows it.
            assert child.stdin and child.stdout
            child.stdin.write(json.dumps([str(source.absolute()), str(folder.absolute())]) + "\n")
            child.stdin.flush()
            answer: dict[str, Any] = json.loads(child.stdout.readline())
        except (OSError, ValueError):  # the child is dead
            ended = _status(child)
            self.close()
            if late.is_set() or ended == -_OUT_OF_TIME:
                raise ToolError(
                    "The file took too long to open: please export the film again, uncompressed."
                ) from None
            return None
        finally:
            clock.cancel()
        return answer


def _status(child: subprocess.Popen[str]) -> int | None:
    """Return how the dying child ended, or None if it lives on."""
    try:
        return child.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return None


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "consilium.tools.imaging.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
