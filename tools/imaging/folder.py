"""Many films at once: every file of a folder through the same door and the same reader as one film in the chat."""

import csv
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path
from typing import NamedTuple

from consilium.tools.contract import ToolError
from consilium.tools.imaging import report
from consilium.tools.imaging.film import Film
from consilium.tools.imaging.intake import admit
from consilium.tools.imaging.reader import FilmReader, Reading

COLUMNS = "file finding probability low high level abstained reason warnings model_version".split()
_AT_ONCE = 16  # films that lie decoded on the disk at a time


class Read(NamedTuple):
    """One file's fate: a reading with the film's own facts, or the sentence of its refusal."""

    path: Path
    reading: Reading | None
    facts: dict[str, str]
    refusal: str = ""


def read_films(paths: Sequence[Path], reader: FilmReader) -> Iterator[Read]:
    """Read files in their order; decoding runs in child processes, as many at once as there are cores."""
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(cpu_count()) as pool:
        for start in range(0, len(paths), _AT_ONCE):
            some = paths[start : start + _AT_ONCE]
            folders = [Path(scratch, str(place)) for place in range(len(some))]
            for path, film in zip(some, pool.map(_decoded, some, folders), strict=True):
                if isinstance(film, str):
                    yield Read(path, None, {}, film)
                else:
                    yield Read(path, reader.read(film.pixels), dict(film.facts))


def _decoded(path: Path, folder: Path) -> Film | str:
    try:
        admitted = admit(path, folder)
        film = Film.read(admitted.path)
        admitted.path.unlink()
        admitted.preview.unlink()
    except ToolError as refusal:
        return str(refusal)
    return film


def row(read: Read, root: Path, reader: FilmReader) -> list[str]:
    """The CSV row of one file, by `COLUMNS`; probabilities run from 0 to 1."""
    name = read.path.relative_to(root).as_posix()
    version = report.SOURCE.version
    if read.reading is None:
        return [name, "pneumonia", "", "", "", "", "true", read.refusal, "", version]
    warnings = "; ".join(report.cautions(read.facts, reader.card.adult_auc))
    if read.reading.outside:
        return [name, "pneumonia", "", "", "", "", "true", report.OUTSIDE, warnings, version]
    numbers = [read.reading.probability, *read.reading.interval]
    told = [f"{number:.3f}" for number in numbers]
    return [name, "pneumonia", *told, read.reading.level, "false", "", warnings, version]


def files_below(folder: Path) -> list[Path]:
    """Every file of a folder and its sub-folders, hidden ones left out, in the order of their names.

    Raises
    ------
    ToolError
        If there is none.
    """
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not found:
        raise ToolError("There is no file in that folder: please name the folder of the films.")
    return found


def done_before(out: Path) -> set[str]:
    """Files that an interrupted run has written; a row that was cut is taken out of the report.

    Raises
    ------
    ToolError
        If `out` is something else than a report of films.
    """
    if not out.exists():
        return set()
    try:
        text = out.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        text = "?"
    whole = text[: text.rfind("\n") + 1]
    rows = list(csv.reader(whole.splitlines()))
    if text and (not rows or rows[0] != COLUMNS):
        raise ToolError("The report exists and is not one of films: please give another --out.")
    if whole != text:
        out.write_text(whole, encoding="utf-8")
    return {cells[0] for cells in rows[1:]}


def append(out: Path, rows: Sequence[Sequence[str]]) -> None:
    """Add rows to the report, with its header where it is new."""
    new = not out.exists() or not out.stat().st_size
    with out.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows] if new else rows)
