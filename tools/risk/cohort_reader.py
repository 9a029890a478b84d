"""Reads a cohort from a CSV as people really save it: one bad row never spoils another.

Commas, semicolons or tabs; decimal points or commas; with or without a byte order mark. Columns are the contract's
argument names plus `hba1c`, `uacr`, `sdi` and `race`; any other column is kept and not read.
"""

import csv
import math
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from consilium.tools.contract import ToolError
from consilium.tools.risk.limits import impossible
from consilium.tools.risk.person import Person, to_mg

REQUIRED = ("age", "sex", "total_cholesterol", "hdl_cholesterol", "systolic_bp")
FLAGS = ("bp_treated", "diabetes", "smoker", "statin")
MEASURED = ("egfr", "bmi", "hba1c", "uacr", "sdi")
COLUMNS = (*REQUIRED, "cholesterol_unit", *FLAGS, *MEASURED, "race")

_MISSING = {"", "na", "n/a", "nan", "null", "none", ".", "-", "?"}
_FLAG: dict[str, bool | str] = {
    **dict.fromkeys(("true", "yes", "y", "t", "1", "1.0"), True),
    **dict.fromkeys(("false", "no", "n", "f", "0", "0.0"), False),
}
_WORDS: dict[str, dict[str, bool | str]] = {
    "sex": {"female": "female", "f": "female", "male": "male", "m": "male"},
    "cholesterol_unit": {"mg/dl": "mg/dL", "mg": "mg/dL", "mmol/l": "mmol/L", "mmol": "mmol/L"},
    "race": {"white": "white", "black": "black"},
    **dict.fromkeys(FLAGS, _FLAG),
}
_SHOWN = {
    "sex": ("female", "male"),
    "cholesterol_unit": ("mg/dL", "mmol/L"),
    "race": ("white", "black"),
    **dict.fromkeys(FLAGS, ("yes", "no")),
}
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+")
_DELIMITERS = ",;\t"
_LONGEST_HEADER = 100_000
_QUOTED_LINES = 50  # how far a quoted cell may run on before its quote counts as forgotten


@dataclass
class Row:
    """One row: its cells as they stood, as many as the header has, and who it describes.

    `person` is None where `errors` say why; `notes` say what was taken for granted.
    """

    cells: list[str]
    person: Person | None = None
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class CohortReader:
    """An open cohort file: `header` as it stood, `known` columns, and its rows in order.

    Raises
    ------
    ToolError
        If the file is empty, is no text, lacks a required column or has one twice.
    """

    def __init__(self, path: Path) -> None:
        self._binary = path.open("rb")
        try:
            start = self._binary.read(4)
            self._binary.seek(0)
            if start.startswith(b"PK"):
                raise ToolError("This is a workbook, not a CSV: save it as CSV and try again.")
            encoding = "utf-16" if start[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
            # What is not UTF-8 (a name in an old encoding) passes through as it is.
            text = TextIOWrapper(self._binary, encoding=encoding, errors="surrogateescape")
            self._lines = _Lines(text)
            self._delimiter, self.header = self._read_header()
            self._width = len(self.header)
            self._places = _places(self.header)
        except BaseException:
            self._binary.close()
            raise

    @property
    def known(self) -> frozenset[str]:
        """The columns that are read."""
        return frozenset(self._places)

    @property
    def unread(self) -> list[str]:
        """The columns that are only kept, as they stand in the header."""
        read = set(self._places.values())
        return [title for place, title in enumerate(self.header) if place not in read]

    @property
    def position(self) -> int:
        """How far the file was read, in bytes."""
        return self._binary.tell()

    def rows(self) -> Iterator[Row]:
        """Every row but blank lines."""
        for cells in self._records():
            if len(cells) != self._width:
                yield Row(self._fitted(cells), errors=[self._misfit(len(cells))])
            elif not any(cell.strip() for cell in cells):
                yield Row(cells, errors=["row is empty"])
            else:
                yield self._row(cells)

    def _read_header(self) -> tuple[str, list[str]]:
        for line in self._lines:
            if line.startswith("sep="):  # Excel's own hint
                continue
            if line.strip():
                delimiter = max(_DELIMITERS, key=line.count)
                return delimiter, next(csv.reader([line[:_LONGEST_HEADER]], delimiter=delimiter))
        raise ToolError("The file is empty: its first line must name the columns.")

    def _records(self) -> Iterator[list[str]]:
        """Cells of each record. A quoted cell may hold line breaks; a forgotten quote costs its own line only."""
        for line in self._lines:
            if not line.strip():
                continue
            if line.count('"') % 2 == 0:
                yield self._cells([line])[0]
                continue
            lines = [line, *self._lines.take(_QUOTED_LINES)]
            cells, used = self._cells(lines)
            self._lines.give_back(lines[used:])
            yield cells

    def _cells(self, lines: Sequence[str]) -> tuple[list[str], int]:
        """Cells of the record that begins these lines, and how many of them it takes."""
        reader = csv.reader(lines, delimiter=self._delimiter)
        try:
            cells = next(reader)
        except csv.Error:  # a cell beyond what the module takes
            cells = []
        if len(cells) != self._width and len(lines) > 1:  # a forgotten quote
            return lines[0].rstrip("\n").split(self._delimiter), 1
        return cells, reader.line_num

    def _row(self, cells: list[str]) -> Row:
        row = Row(cells)
        stated: dict[str, Any] = {}
        for name, place in self._places.items():
            text = cells[place].strip()
            try:
                value = None if text.casefold() in _MISSING else self._value(name, text)
            except ValueError as error:
                # Race is read by one equation only; an unreadable one costs no other estimate.
                (row.notes if name == "race" else row.errors).append(f"{name} {error}")
                continue
            if value is not None:
                stated[name] = value
            elif name in REQUIRED:
                row.errors.append(f"{name} is missing")
            elif name in FLAGS:
                row.notes.append(f"{name} not stated: taken as no")
            elif name == "cholesterol_unit":
                row.notes.append("cholesterol_unit not stated: taken as mg/dL")
        if not row.errors:
            if stated.pop("cholesterol_unit", "") == "mmol/L":
                for name in ("total_cholesterol", "hdl_cholesterol"):
                    stated[name] = to_mg(stated[name])
            person = Person(**stated)
            row.errors = [str(problem) for problem in impossible(person)]
            row.person = None if row.errors else person
        return row

    def _value(self, name: str, text: str) -> float | bool | str:
        """What a cell says; a ValueError holds the clause that says why it cannot be read."""
        if name in _WORDS:
            words = _WORDS[name]
            if text.casefold() not in words:
                raise ValueError(f"{_quoted(text)} is not one of {', '.join(_SHOWN[name])}")
            return words[text.casefold()]
        plain = text
        if "," in text:
            if "." in text or (self._delimiter != ";" and _THOUSANDS.fullmatch(text)):
                raise ValueError(f"{_quoted(text)} can be read in two ways: write 1234.5")
            plain = text.replace(",", ".")
        try:
            value = float(plain.replace("_", "?"))
        except ValueError:
            raise ValueError(f"{_quoted(text)} is not a number") from None
        if not math.isfinite(value):
            raise ValueError(f"{_quoted(text)} is not a number")
        return value

    def _fitted(self, cells: list[str]) -> list[str]:
        return (cells + [""] * self._width)[: self._width]

    def _misfit(self, count: int) -> str:
        hint = ""
        if count > self._width and self._delimiter == ",":
            hint = "; with decimal commas, separate the columns by semicolons"
        return f"row has {count} cells and the header has {self._width}{hint}"

    def __enter__(self) -> "CohortReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._binary.close()


class _Lines:
    """Lines of a text that can be given back."""

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self._returned: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self._returned.popleft() if self._returned else next(self._text)

    def take(self, count: int) -> list[str]:
        """Up to `count` lines."""
        return list(islice(self, count))

    def give_back(self, lines: Sequence[str]) -> None:
        """Put lines back in front."""
        self._returned.extendleft(reversed(lines))


def _places(header: Sequence[str]) -> dict[str, int]:
    """Where each known column stands, by its name."""
    places: dict[str, int] = {}
    for place, title in enumerate(header):
        name = title.strip().casefold().replace(" ", "_").replace("-", "_")
        if name in places:
            raise ToolError(f"The column {name} is there twice: keep one.")
        if name in COLUMNS:
            places[name] = place
    if missing := [name for name in REQUIRED if name not in places]:
        columns = "column" if len(missing) == 1 else "columns"
        named = _quoted(", ".join(title.strip() for title in header), 200)
        raise ToolError(
            f"The file lacks the {columns} {', '.join(missing)}; its first line is {named}."
        )
    return places


def _quoted(text: str, longest: int = 30) -> str:
    """A piece of the file, short and printable, for a sentence."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f'"{shown[: longest - 3]}..."' if len(shown) > longest else f'"{shown}"'
