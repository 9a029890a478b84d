"""CSV and JSON Lines files as records."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from consilium.tools.cases.intake.columns import ColumnMap
from consilium.tools.cases.intake.lines import MAX_LINE, read_lines
from consilium.tools.cases.intake.record import Problem, Record
from consilium.tools.contract import ToolError


def read_csv(path: Path, columns: ColumnMap) -> Iterator[Record | Problem]:
    """Records of a table with a header; separated by comma, semicolon or tab.

    Raises
    ------
    ToolError
        If the file cannot be read as a table, or has no column for the text.
    """
    csv.field_size_limit(MAX_LINE)
    lines = _Counted(path)
    first = next(lines, "")
    if not first.strip():
        raise ToolError(
            f"{path.name}: is empty, or begins with an empty line instead of the column names."
        )
    separator = max(",;\t", key=first.count)
    header = next(csv.reader([first], delimiter=separator))
    if len(set(header)) < len(header):
        raise ToolError(f"{path.name}, line 1: two columns have the same name.")
    fields = columns.fit(header, path.name)
    rows = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        start = lines.number + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise ToolError(
                f"{path.name}, line {start}: no well-formed row of a table ({error}): look for a quotation"
                " mark that is not closed."
            ) from error
        if row is None:
            return
        where = f"{path.name}, line {start}"
        if len(row) == len(header):
            yield _record(where, fields, dict(zip(header, row, strict=True)))
        elif row:
            yield Problem(where, f"has {len(row)} columns, and the header has {len(header)}")


def read_jsonl(path: Path, columns: ColumnMap) -> Iterator[Record | Problem]:
    """Records of a file with one JSON object a line.

    Raises
    ------
    ToolError
        If the file cannot be read, or none of its objects has a field for the text.
    """
    # All names first: an object may lack what others have, such as a patient's name.
    names = dict.fromkeys(
        name for _, values in _objects(path) if not isinstance(values, Problem) for name in values
    )
    fields = columns.fit(list(names), path.name) if names else {}
    for where, values in _objects(path):
        if isinstance(values, Problem):
            yield values
        else:
            yield _record(where, fields, {name: _plain(value) for name, value in values.items()})


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Any] | Problem]]:
    """Where it stands, and the object or why it is none, for each line that is not empty."""
    for number, line in read_lines(path):
        where = f"{path.name}, line {number}"
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            yield where, Problem(where, "is not JSON")
            continue
        if not isinstance(values, dict):
            yield where, Problem(where, "is not a JSON object with named fields")
            continue
        yield where, values


class _Counted:
    """The lines of a file, and the number of the one last read: rows may span several."""

    def __init__(self, path: Path) -> None:
        self.number = 0
        self._lines = read_lines(path)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.number, line = next(self._lines)
        return line


def _record(where: str, fields: Mapping[str, Sequence[str]], values: Mapping[str, str]) -> Record:
    found = {
        field: "\n".join(filter(None, (values.get(name, "").strip() for name in names)))
        for field, names in fields.items()
    }
    names = found.pop("identifier", "").split("\n")
    return Record(where, found, tuple(filter(None, names)))


def _plain(value: Any) -> str:
    """A JSON value as the text that a table's cell would hold."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return "\n".join(_plain(part) for part in value)
        case dict():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)
