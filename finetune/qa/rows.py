"""Rows of data files, each with its place, so that a fault can be named by file and line."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from consilium.assistant.domain import ConsiliumError

_MAX_LINE = 20_000_000  # characters; a longer one is no question


def text_of(path: Path) -> str:
    """A file's text.

    Raises
    ------
    ConsiliumError
        If it cannot be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConsiliumError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConsiliumError(f"{path}, line {line}: this is not UTF-8 text.") from error


def json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Objects of a JSONL file, each with "file, line n"; empty lines are passed over.

    Raises
    ------
    ConsiliumError
        If a line is not a JSON object.
    """
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        where = f"{path}, line {number}"
        if len(line) > _MAX_LINE:
            raise ConsiliumError(f"{where}: the line has {len(line):,} characters.")
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ConsiliumError(f"{where}: this is not JSON ({error}).") from error
            if not isinstance(row, dict):
                raise ConsiliumError(f"{where}: this is not a JSON object.")
            yield where, row


def json_object(path: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Members of a file that is one JSON object of objects: place, key, value.

    Raises
    ------
    ConsiliumError
        If the file is not such an object.
    """
    text = text_of(path)
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise ConsiliumError(f"{path}, line {line}: this is not JSON ({error}).") from error
    if not isinstance(whole, dict):
        raise ConsiliumError(f"{path}, line 1: this is not a JSON object.")
    at = 0
    line = 1
    for key, value in whole.items():
        found = text.find(f'"{key}"', at)
        if found >= 0:
            line += text.count("\n", at, found)
            at = found
        where = f"{path}, line {line} ({key})"
        if not isinstance(value, dict):
            raise ConsiliumError(f"{where}: this is not a JSON object.")
        yield where, str(key), value


def csv_rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Rows of a CSV file, each with "file, line n"; empty rows are passed over.

    Raises
    ------
    ConsiliumError
        If a row cannot be read.
    """
    csv.field_size_limit(_MAX_LINE)
    reader = csv.reader(text_of(path).splitlines(keepends=True), strict=True)
    while True:
        where = f"{path}, line {reader.line_num + 1}"
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ConsiliumError(f"{where}: this is not CSV ({error}).") from error
        if any(field.strip() for field in row):
            yield where, row


def field(where: str, row: Mapping[str, Any], name: str) -> str:
    """A text field.

    Raises
    ------
    ConsiliumError
        If it is missing, empty or no text.
    """
    if name not in row:
        raise ConsiliumError(f"{where}: the column {name} is missing (there: {_there(row)}).")
    value = row[name]
    if not isinstance(value, str):
        raise ConsiliumError(f"{where}: {name} is not a text.")
    if not value.strip():
        raise ConsiliumError(f"{where}: {name} is empty.")
    return value


def texts(where: str, row: Mapping[str, Any], name: str) -> list[str]:
    """A field that is a list of texts.

    Raises
    ------
    ConsiliumError
        If it is missing or anything else.
    """
    if name not in row:
        raise ConsiliumError(f"{where}: the column {name} is missing (there: {_there(row)}).")
    value = row[name]
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ConsiliumError(f"{where}: {name} is not a list of texts.")
    return value


def optional(where: str, row: Mapping[str, Any], name: str) -> str:
    """A text field that may be missing, null or empty.

    Raises
    ------
    ConsiliumError
        If it is there and no text.
    """
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ConsiliumError(f"{where}: {name} is not a text.")
    return value


def position(where: str, labels: Sequence[str], options: Sequence[str], answer: Any) -> int:
    """Index of the right option, from its label (without case), its words, or its number counted from 0.

    Raises
    ------
    ConsiliumError
        If it is none of them.
    """
    if isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < len(options):
        return answer
    if isinstance(answer, str):
        said = answer.strip()
        if not said:
            raise ConsiliumError(f"{where}: the answer is empty.")
        for names in (labels, options):
            lowered = [name.strip().lower() for name in names]
            if said.lower() in lowered:
                return lowered.index(said.lower())
    raise ConsiliumError(f"{where}: the answer {answer!r} is none of {', '.join(labels)}.")


def _there(row: Mapping[str, Any]) -> str:
    return ", ".join(list(row)[:12]) or "none"
