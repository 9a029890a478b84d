"""Many films at once: every file of a folder through the same door, gate and reader as one film in the chat."""

import csv
import io
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from os import cpu_count
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from consilium.tools.contract import ToolError
from consilium.tools.imaging import gate, report
from consilium.tools.imaging.film import Film
from consilium.tools.imaging.intake import Door
from consilium.tools.imaging.reader import FilmReader, Reading

COLUMNS = "file finding probability low high level abstained reason warnings model_version".split()
_AHEAD = 8  # films that may lie decoded in memory, waiting for the reader


class Read(NamedTuple):
    """One file's fate: a reading with the film's own facts, or the sentence of its refusal.

    Parameters
    ----------
    turned_away : why the gate takes it for no frontal chest film; it is read all the same, for evaluations.
    warnings : what the gate changed or doubts, and what the picture lacks.
    """

    path: Path
    reading: Reading | None
    facts: dict[str, str]
    refusal: str = ""
    turned_away: str = ""
    warnings: tuple[str, ...] = ()


def read_films(paths: Sequence[Path], reader: FilmReader) -> Iterator[Read]:
    """Read files in their order; child processes, as many as there are cores, decode ahead."""
    cores = cpu_count() or 1
    doors: SimpleQueue[Door] = SimpleQueue()
    every = [Door() for _ in range(cores)]
    for door in every:
        doors.put(door)
    waiting: deque[tuple[Path, Future[Film | str]]] = deque()
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(cores) as pool:
        try:
            for number, path in enumerate(paths):
                place = Path(scratch, str(number % (_AHEAD + cores + 1)))
                waiting.append((path, pool.submit(_decoded, path, place, doors)))
                if len(waiting) >= _AHEAD:
                    yield _read(*waiting.popleft(), reader)
            while waiting:
                yield _read(*waiting.popleft(), reader)
        finally:
            pool.shutdown(cancel_futures=True)
            for door in every:
                door.close()


def _decoded(path: Path, folder: Path, doors: SimpleQueue[Door]) -> Film | str:
    door = doors.get()
    try:
        admitted = door.admit(path, folder)
        return Film.read(admitted.path)
    except ToolError as refusal:
        return str(refusal)
    finally:
        doors.put(door)


def _read(path: Path, decoded: Future[Film | str], reader: FilmReader) -> Read:
    film = decoded.result()
    if isinstance(film, str):
        return Read(path, None, {}, film)
    checked = gate.check(film)
    reading = reader.read(checked.film.pixels)
    poor = [] if checked.refusal else reader.doubts(checked.film.pixels)
    warnings = (*checked.warnings, *poor)
    return Read(path, reading, dict(film.facts), "", checked.refusal, warnings)


def row(read: Read, root: Path, reader: FilmReader) -> list[str]:
    """The CSV row of one file, by `COLUMNS`; probabilities run from 0 to 1."""
    name = read.path.relative_to(root).as_posix()
    version = report.SOURCE.version
    if read.reading is None:
        return [name, "pneumonia", "", "", "", "", "true", read.refusal, "", version]
    told = [*read.warnings, *report.cautions(read.facts, reader.card.adult_auc)]
    warnings = "; ".join(told)
    reason = read.turned_away or (report.OUTSIDE if read.reading.outside else "")
    if reason:
        return [name, "pneumonia", "", "", "", "", "true", reason, warnings, version]
    stated = (read.reading.probability, *read.reading.interval)
    numbers = [f"{report.shown(number):.3f}" for number in stated]
    return [name, "pneumonia", *numbers, read.reading.level, "false", "", warnings, version]


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
        If `out` cannot be read or is something else than a report of films.
    """
    if not out.exists():
        return set()
    try:
        with out.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            text = file.read()
    except OSError:
        raise ToolError("The report cannot be read: please give another --out.") from None
    whole = text[: text.rfind("\n") + 1]
    try:
        rows = list(csv.reader(io.StringIO(whole, newline="")))
    except csv.Error:
        rows = []
    if text and (not rows or rows[0] != COLUMNS):
        raise ToolError("The report exists and is not one of films: please give another --out.")
    if whole != text:
        _write(out, whole, "w")
    return {cells[0] for cells in rows[1:] if cells}


def append(out: Path, rows: Sequence[Sequence[str]]) -> None:
    """Add rows to the report, with its header where it is new.

    Raises
    ------
    ToolError
        If the report cannot be written.
    """
    text = io.StringIO(newline="")
    new = not out.exists() or not out.stat().st_size
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows] if new else rows)
    _write(out, text.getvalue(), "a")


def _write(out: Path, text: str, mode: str) -> None:
    """Write bytes of file names that are no UTF-8 as they are."""
    try:
        with out.open(mode, encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
    except OSError as error:
        raise ToolError(
            f"The report cannot be written ({(error.strerror or 'no space').lower()}): "
            "please give another --out or make room on the disk; the next run goes on from here."
        ) from None
