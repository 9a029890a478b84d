"""Text files line by line, without ever holding a line that is too long, and never guessing an encoding."""

from collections.abc import Iterator
from pathlib import Path

from consilium.tools.contract import ToolError

MAX_LINE = 1 << 20  # bytes; a case in words takes some thousand
_MARK = b"\xef\xbb\xbf"  # how some programs begin a UTF-8 file


def read_lines(path: Path, longest: int = MAX_LINE) -> Iterator[tuple[int, str]]:
    """Number from 1 and text of each line, line ending included.

    Raises
    ------
    ToolError
        If the file cannot be opened, a line is longer than `longest` bytes, or one is not UTF-8; says which.
    """
    number = 0
    try:
        with path.open("rb") as file:
            while line := file.readline(longest + 1):
                number += 1
                if len(line) > longest:
                    raise ToolError(
                        f"{path.name}, line {number}: longer than {longest >> 20} MB, which is no case: check that"
                        " the file's lines end where they should."
                    )
                yield (
                    number,
                    _decoded(line.removeprefix(_MARK) if number == 1 else line, path, number),
                )
    except OSError as error:
        raise ToolError(f"{path.name} cannot be read ({error.strerror}).") from error


def _decoded(line: bytes, path: Path, number: int) -> str:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ToolError(
            f"{path.name}, line {number}: not UTF-8 text at character {error.start + 1}: save the"
            " file as UTF-8 and add it again."
        ) from error
    if "\0" in text:
        raise ToolError(f"{path.name}, line {number}: holds binary data, so this is no text file.")
    return text
