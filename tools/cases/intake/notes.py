"""Plain notes: one file, one case."""

from pathlib import Path

from consilium.tools.cases.intake.lines import MAX_LINE, read_lines
from consilium.tools.cases.intake.record import Record
from consilium.tools.contract import ToolError


def read_note(path: Path) -> Record:
    """The note of a .txt or .md file. Its name is its id, of which nothing is kept but a keyed hash.

    Raises
    ------
    ToolError
        If the file is not UTF-8 text, or is longer than a note can be.
    """
    if path.stat().st_size > MAX_LINE:
        raise ToolError(f"{path.name}: longer than 1 MB, which is no note.")
    text = "".join(line for _, line in read_lines(path))
    return Record(path.name, {"id": path.stem, "text": text})
