"""Reads the histories of many patients from a CSV file in long form, one row per visit.

Columns (in any order; others are ignored):

- `patient`: any name or number; the rows of a patient need not stand together.
- `visit`: 1, 2, 3, ... in the order of time, one simulator step (a day) apart, none missing.
- `volume_cm3`: tumour volume, measured before that visit's treatment.
- `chemotherapy`, `radiotherapy`: 1 where it was given at that visit, 0 or empty where not; a column
  that is missing counts as never given.

Separators may be commas, semicolons or tabs, decimals points or commas. A patient whose rows cannot be
right gets a sentence that says why; the others are read all the same.
"""

import codecs
import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from consilium.tools.contract import ToolError
from consilium.tools.treatment.history import TREATMENTS, History, check_volumes

_PATIENT, _VISIT, _VOLUME = "patient", "visit", "volume_cm3"
_ALIASES = {
    "patient_id": _PATIENT,
    "visit_number": _VISIT,
    "volume": _VOLUME,
    "volume_cc": _VOLUME,
    "volume_ml": _VOLUME,
    "chemo": TREATMENTS[0],
    "radio": TREATMENTS[1],
    "rt": TREATMENTS[1],
}
_YES = {"1", "1.0", "yes", "y", "true", "x"}
_NO = {"", "0", "0.0", "no", "n", "false", "-"}
_IN_NUMBERS = set("0123456789.,+-eE")
_SEPARATORS = ";\t,"
_WORKBOOK = b"PK\x03\x04"


@dataclass(frozen=True)
class Patient:
    """One patient of the file: a history, or the sentence that says why there is none."""

    name: str
    history: History | None
    problem: str = ""


@dataclass(frozen=True)
class _Visit:
    number: int
    volume: float
    treatments: tuple[int, ...]


def read_patients(path: Path) -> list[Patient]:
    """Read all patients, in the order in which they first appear.

    Raises
    ------
    ToolError
        If the file as a whole cannot be used: no text, no rows, or a column is missing.
    """
    header, rows = _table(_text(path))
    where = header.index(_PATIENT)
    rows_of: dict[str, list[tuple[int, list[str]]]] = {}
    for line, cells in rows:
        name = cells[where].strip() if where < len(cells) else ""
        rows_of.setdefault(name or f"(line {line})", []).append((line, cells))
    if not rows_of:
        raise ToolError("The file has a header but no rows: give one row per visit of a patient.")
    return [_patient(name, header, rows) for name, rows in rows_of.items()]


def treatment_columns(path: Path) -> tuple[list[str], list[str]]:
    """The treatment columns that a file lacks, and those of its columns that are not read.

    Raises
    ------
    ToolError
        As `read_patients`.
    """
    header, _ = _table(_text(path))
    read = {_PATIENT, _VISIT, _VOLUME, *TREATMENTS}
    lacking = [name for name in TREATMENTS if name not in header]
    return lacking, [name for name in header if name and name not in read]


def _patient(name: str, header: Sequence[str], rows: Sequence[tuple[int, list[str]]]) -> Patient:
    try:
        return Patient(name, _history([_visit(line, header, cells) for line, cells in rows]))
    except ToolError as error:
        return Patient(name, None, str(error))


def _history(visits: Sequence[_Visit]) -> History:
    visits = sorted(visits, key=lambda visit: visit.number)
    for expected, visit in enumerate(visits, start=1):
        if expected > 1 and visit.number == visits[expected - 2].number:
            raise ToolError(f"Visit {visit.number} stands in the file twice: keep one of the rows.")
        if visit.number != expected:
            raise ToolError(
                f"Visit {expected} is missing: visits are counted 1, 2, 3, ... without a gap."
            )
    volumes = [visit.volume for visit in visits]
    check_volumes(volumes)
    return History(np.array(volumes), np.array([visit.treatments for visit in visits], float))


def _visit(line: int, header: Sequence[str], cells: Sequence[str]) -> _Visit:
    if len(cells) != len(header):
        raise ToolError(
            f"Line {line} has {len(cells)} columns where the header has {len(header)}: decimal "
            "commas need quotes, or semicolons between the columns."
        )
    row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
    if not row[_PATIENT]:
        raise ToolError(f"Line {line} names no patient.")
    number = _number(row[_VISIT])
    if not number.is_integer():
        raise ToolError(f"Line {line} has no whole number as its visit.")
    volume = _number(row[_VOLUME])
    if math.isnan(volume):
        raise ToolError(f"The volume at visit {number:.0f} is missing or not a number.")
    return _Visit(int(number), volume, tuple(_given(line, name, row) for name in TREATMENTS))


def _given(line: int, name: str, row: dict[str, str]) -> int:
    said = row.get(name, "").lower()
    if said not in _YES | _NO:
        raise ToolError(f"Line {line} has something other than 0 or 1 under {name}.")
    return int(said in _YES)


def _number(text: str) -> float:
    """The number, with a decimal point or comma; NaN where there is none."""
    if not set(text) <= _IN_NUMBERS:  # float() would take "1_2", and "nan" for a visit
        return math.nan
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return math.nan


def _table(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The columns by their documented names, and the rows that are not empty with their lines."""
    first = text.partition("\n")[0]
    # Strict: else a quote that is never closed takes every patient after it into one cell.
    reader = csv.reader(io.StringIO(text), delimiter=max(_SEPARATORS, key=first.count), strict=True)
    rows: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        header = [_ALIASES.get(name, name) for name in map(_plain, next(reader))]
        begins = reader.line_num + 1
        for cells in reader:
            if any(map(str.strip, cells)):
                rows.append((reader.line_num, cells))
            begins = reader.line_num + 1
    except csv.Error:
        raise ToolError(
            f"The row that begins in line {begins} is not readable as CSV: check its quotes."
        ) from None
    if any("diameter" in name for name in header) and _VOLUME not in header:
        raise ToolError(
            "The file gives diameters: please give the volumes in a column volume_cm3 (a ball of "
            "diameter d cm has 0.524 d^3 cm3)."
        )
    missing = [name for name in (_PATIENT, _VISIT, _VOLUME) if name not in header]
    if missing:
        raise ToolError(
            f"The file has no column {missing[0]}: it needs patient, visit and volume_cm3, and may "
            "have chemotherapy and radiotherapy (0 or 1)."
        )
    repeated = [name for name in (_PATIENT, _VISIT, _VOLUME, *TREATMENTS) if header.count(name) > 1]
    if repeated:
        raise ToolError(f"The file has more than one column for {repeated[0]}: keep one.")
    return header, rows


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("³", "3")


def _text(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith(_WORKBOOK):
        raise ToolError("The file is a workbook: please save it as CSV.")
    # Excel's "Unicode Text" is UTF-16.
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    if not text.strip() or "\0" in text:
        raise ToolError("The file is empty or not a text file: please give a CSV.")
    return text
