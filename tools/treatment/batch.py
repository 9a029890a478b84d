"""Forecasts for a whole file of patients: one CSV in, one CSV out, and no patient harms another.

The output has one row per patient, plan and visit ahead; a patient without a forecast has one row that
says why. It is written beside its final name while it grows, with the settings it was begun with, so
an interrupted run goes on where it stopped, and never goes on with other settings.
"""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from consilium.tools.contract import ToolError
from consilium.tools.treatment.contract import Plan
from consilium.tools.treatment.counterfactuals import PLANS
from consilium.tools.treatment.forecast import Forecaster, Outlook
from consilium.tools.treatment.patients_file import Patient, read_patients
from consilium.tools.treatment.report import rounded
from consilium.tools.treatment.tool import doubts
from consilium.tools.treatment.trajectory import by_volume

COLUMNS = (
    "patient", "plan", "visits_ahead", "volume_cm3", "low_cm3", "high_cm3", "lowest", "status", "message",
)  # fmt: skip


def forecast_file(
    forecaster: Forecaster, file: Path, out: Path, plans: Sequence[Plan], horizon: int
) -> Counter[str]:
    """Forecast every patient of a file and count the patients by status.

    Parameters
    ----------
    file : CSV in the columns of `patients_file`.
    out : CSV to write; must not exist yet.

    Raises
    ------
    ToolError
        If the input cannot be used as a whole, or the output exists.
    """
    if out.exists():
        raise ToolError("The output file exists already: please choose another name or remove it.")
    patients = read_patients(file)
    growing = out.with_name(out.name + ".part")
    done = _resume(growing, _settings(forecaster, file, plans, horizon))
    with growing.open("a", encoding="utf-8", newline="") as target:
        for patient in tqdm(
            patients[done:], initial=done, total=len(patients), desc="patients", unit=""
        ):
            target.write(_lines(_rows(forecaster, patient, plans, horizon)))
            target.flush()
    growing.rename(out)
    _settings_of(growing).unlink()
    with out.open(encoding="utf-8", newline="") as written:
        status_of = {row["patient"]: row["status"] for row in csv.DictReader(written)}
    return Counter(status_of.values())


def chosen_plans(names: Sequence[str]) -> list[Plan]:
    """The plans of these names, each once; all where none is named.

    Raises
    ------
    ToolError
        If there is no plan of a name.
    """
    unknown = [name for name in names if name not in PLANS]
    if unknown:
        raise ToolError(f"There is no plan {unknown[0]!r}: choose from {', '.join(PLANS)}.")
    return [plan for plan in PLANS if plan in names] or list(PLANS)


def _rows(
    forecaster: Forecaster, patient: Patient, plans: Sequence[Plan], horizon: int
) -> list[tuple[object, ...]]:
    nothing = ("",) * 6
    if patient.history is None:
        return [(patient.name, *nothing, "error", patient.problem)]
    outlook = forecaster.look_ahead(patient.history, plans, horizon)
    asked = doubts(patient.history)
    if outlook.reason:
        return [(patient.name, *nothing, "abstained", " ".join([outlook.reason, *asked]))]
    return _forecasts(patient.name, outlook, " ".join([*outlook.warnings, *asked]))


def _forecasts(name: str, outlook: Outlook, message: str) -> list[tuple[object, ...]]:
    lowest = by_volume(outlook.trajectories)[0]
    return [
        (name, path.plan, ahead, *map(rounded, values), int(path is lowest), "ok", message)
        for path in outlook.trajectories
        for ahead, values in enumerate(zip(path.volumes, path.low, path.high, strict=True), start=1)
    ]


def _lines(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _settings(forecaster: Forecaster, file: Path, plans: Sequence[Plan], horizon: int) -> str:
    content = hashlib.sha256(file.read_bytes()).hexdigest()
    return json.dumps(
        {"file": content, "weights": forecaster.version, "plans": list(plans), "horizon": horizon}
    )


def _settings_of(growing: Path) -> Path:
    return growing.with_name(growing.name + ".json")


def _resume(growing: Path, settings: str) -> int:
    """Prepare the growing file and return how many patients it holds; the last one may be cut off, and goes."""
    kept = _settings_of(growing)
    if growing.exists() and kept.exists() and kept.read_text(encoding="utf-8") == settings:
        with growing.open(encoding="utf-8", newline="") as source:
            rows = list(csv.reader(source))[1:]
        names = list(dict.fromkeys(row[0] for row in rows if row))[:-1]
        finished = set(names)
        whole = [row for row in rows if row and row[0] in finished]
    else:
        names, whole = [], []
    growing.write_text(_lines([COLUMNS, *whole]), encoding="utf-8", newline="")
    kept.write_text(settings, encoding="utf-8")
    return len(names)
