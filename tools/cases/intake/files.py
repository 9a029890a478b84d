"""The files of one `cases add`, whatever they are, as cases; with what is wrong in them, by file and line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from consilium.tools.cases.case import Case
from consilium.tools.cases.intake.admit import Admission
from consilium.tools.cases.intake.columns import ColumnMap
from consilium.tools.cases.intake.notes import read_note
from consilium.tools.cases.intake.record import Problem, Record
from consilium.tools.cases.intake.tables import read_csv, read_jsonl
from consilium.tools.contract import ToolError

_TABLES = {".csv": read_csv, ".tsv": read_csv, ".jsonl": read_jsonl}
_FHIR = (".json", ".ndjson")
_NOTES = (".txt", ".md")


@dataclass
class Admitted:
    """Cases and where each stands, by id, and what could not be read."""

    cases: dict[str, Case] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def admit_files(paths: Sequence[Path], columns: ColumnMap, admission: Admission) -> Admitted:
    """Read every file and admit every record in it.

    Raises
    ------
    ToolError
        If a file cannot be read at all: its kind is unknown, it is no text, it has no column for the text.
    """
    found = Admitted()
    for record in tqdm(_records(paths, columns), desc="reading", unit="case", delay=2):
        case = record if isinstance(record, Problem) else admission.admit(record)
        if isinstance(case, Problem):
            found.problems.append(case)
        elif case.id not in found.cases:
            found.cases[case.id], found.places[case.id] = case, record.where
        elif case != found.cases[case.id]:
            first = found.places[case.id]
            found.problems.append(Problem(record.where, f"has the id of another case ({first})"))
    return found


def _records(paths: Sequence[Path], columns: ColumnMap) -> Iterator[Record | Problem]:
    for path in paths:
        if not path.is_file():
            raise ToolError(f"There is no file {path.name}.")
        suffix = path.suffix.lower()
        if suffix in _TABLES:
            yield from _TABLES[suffix](path, columns)
        elif suffix in _NOTES:
            yield read_note(path)
        elif suffix not in _FHIR:
            raise ToolError(
                f"{path.name}: cases are read from .csv, .tsv, .jsonl, .json and .ndjson (FHIR), .txt and"
                " .md files."
            )
    if bundles := [path for path in paths if path.suffix.lower() in _FHIR]:
        from consilium.tools.cases.intake.fhir import read_fhir  # slow to import, seldom needed

        yield from read_fhir(bundles)
