"""The reader measured on films that somebody else labelled: one CSV, one line a film.

Columns: `file` (relative to the CSV), `label` (pneumonia or normal), and where they are known `patient_id` (for the
bootstrap; else each film is a patient), `split` (then only "test" counts), `view`, `site` and the like.
"""

import csv
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from consilium.tools.contract import ToolError
from consilium.tools.imaging import data
from consilium.tools.imaging.card import Card, Figure
from consilium.tools.imaging.evaluate import figures_of, share_of
from consilium.tools.imaging.folder import Read
from consilium.tools.imaging.reader import FilmReader

LABELS = {"pneumonia": 1.0, "normal": 0.0}
_PARTS = ("site", "view")
_FEWEST = 10  # films of each label in a part that is measured on its own


class Labelled(BaseModel):
    """One line of the labels file; `file` as it is written there."""

    file: str
    path: Path
    label: float
    patient: str
    parts: list[str]


class Measured(BaseModel):
    """Figures of one part of the films.

    Parameters
    ----------
    films, pneumonias, patients : of the films that were read.
    turned_away : share of them that the gate takes for no frontal chest film.
    abstained : share that gate or reader abstain from; they are measured like the others.
    unreadable : files that were refused, with the reason; they are in no figure.
    """

    films: int
    pneumonias: int
    patients: int
    turned_away: float
    abstained: float
    unreadable: dict[str, str] = {}
    figures: dict[str, Figure]


def read_labels(path: Path, card: Card) -> list[Labelled]:
    """Lines of the labels file that the reader may be measured on.

    Of the very collections that the reader was made from, only the test patients count.

    Raises
    ------
    ToolError
        If a column is missing, a label is unknown, or no film is left; names the line.
    """
    rows = _rows(path)
    known = {part.labels_sha256: part.name for part in card.data}
    site = known.get(hashlib.sha256(path.read_bytes()).hexdigest())
    if site == "nih":
        films = data.nih(path.parent)
        rows = [row | {"split": film.split} for row, film in zip(rows, films, strict=True)]
    labelled = list(_labelled(rows, path.parent))
    if not labelled:
        raise ToolError(
            "The labels file names no film to measure on (none, or none of split test)."
        )
    return labelled


def _rows(path: Path) -> list[dict[str, str]]:
    """Rows by column; Excel's semicolons pass for commas."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        header = text.partition("\n")[0]
        separator = ";" if ";" in header and "," not in header else ","
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))
    except UnicodeDecodeError:
        raise ToolError("The labels file is not UTF-8 text: please save it as CSV UTF-8.") from None
    except csv.Error as error:
        raise ToolError(f"The labels file is no CSV ({error}): please save it again.") from None


def _labelled(rows: list[dict[str, str]], folder: Path) -> Iterator[Labelled]:
    splits = [(row.get("split") or "").strip().lower() for row in rows]
    only_test = any(splits)
    for number, (row, split) in enumerate(zip(rows, splits, strict=True), start=2):
        if not row.get("file") or (row.get("label") or "").strip().lower() not in LABELS:
            raise ToolError(
                f"Line {number} of the labels file lacks a file or has another label than "
                f"{' or '.join(LABELS)}: its columns must be named file and label."
            )
        if only_test and split != "test":
            continue
        yield Labelled(
            file=row["file"],
            path=folder / row["file"],
            label=LABELS[row["label"].strip().lower()],
            patient=row.get("patient_id") or row["file"],
            parts=[f"{name} {row[name]}" for name in _PARTS if row.get(name)],
        )


def measure(labelled: list[Labelled], reads: list[Read], reader: FilmReader) -> dict[str, Measured]:
    """Figures over all films and over each part with enough of them."""
    names = sorted({part for film in labelled for part in film.parts})
    figures = {"all": _measured(labelled, reads, reader)}
    for name in names:
        rows = [row for row, film in enumerate(labelled) if name in film.parts]
        some = [labelled[row] for row in rows]
        positives = sum(film.label for film in some)
        if min(positives, len(some) - positives) >= _FEWEST:
            figures[name] = _measured(some, [reads[row] for row in rows], reader)
    return figures


def _measured(labelled: list[Labelled], reads: list[Read], reader: FilmReader) -> Measured:
    seen = [
        (film, read.reading) for film, read in zip(labelled, reads, strict=True) if read.reading
    ]
    if not seen:
        raise ToolError("None of the labelled films could be read.")
    labels = np.array([film.label for film, _ in seen])
    scores = np.array([reading.probability for _, reading in seen])
    threshold = np.array([reading.threshold for _, reading in seen])
    patients = [film.patient for film, _ in seen]
    calibration = reader.card.calibration
    covered = np.array(
        [
            float(calibration[reading.population].covered(film.label, reading.probability))
            for film, reading in seen
        ]
    )
    untold = np.array([float(reading.level == "indeterminate") for _, reading in seen])
    return Measured(
        films=len(seen),
        pneumonias=int(labels.sum()),
        patients=len(set(patients)),
        turned_away=_share([bool(read.turned_away) for read in reads if read.reading]),
        abstained=_share(
            [bool(read.turned_away) or read.reading.outside for read in reads if read.reading]
        ),
        unreadable={
            film.file: read.refusal
            for film, read in zip(labelled, reads, strict=True)
            if not read.reading
        },
        figures=figures_of(labels, scores, threshold, patients)
        | {
            "conformal coverage": share_of(covered, patients),
            "neither likely nor unlikely": share_of(untold, patients),
        },
    )


def _share(flags: list[bool]) -> float:
    return round(float(np.mean(flags)), 4)
