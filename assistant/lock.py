"""One chat per data folder: a second one would take the first's running turns and uploads for left over."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from consilium.assistant.domain import ConsiliumError


@contextmanager
def sole_chat(home: Path) -> Iterator[None]:
    """Hold the data folder for a chat; the system lets go of it when the process ends, however it ends.

    Raises
    ------
    ConsiliumError
        If another process holds it.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(home / "chat.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise ConsiliumError(
            f"A chat is already running on the data folder {home}: use that one or end it, "
            "or set CONSILIUM_HOME to another folder."
        ) from error
    try:
        yield
    finally:
        lock.release()
