"""Risk of a whole cohort: a CSV in, the same rows with every estimate that their values allow out.

Added columns, as fractions: `prevent_MODEL_OUTCOME_YEARSy`, `pce_ascvd_10y`, `model_10y` (the learned model: death of
cardiovascular disease); then `note` (what was taken for granted) and `error` (why a cell is empty). A column is there
where the file has its inputs: PREVENT needs `egfr`, its heart failure `bmi`, its extensions their value and its full
model two of them. `pce_ascvd_10y` needs a race; without a `race` column it is empty and the Pooled Cohort Equations are
given for both, as `pce_ascvd_10y_white` and `pce_ascvd_10y_black`.

The output is comma-separated UTF-8 with decimal points, whatever the input was.
"""

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from consilium.tools.contract import ToolError
from consilium.tools.risk import pooled_cohort, prevent
from consilium.tools.risk.cohort_reader import FLAGS, CohortReader, Row
from consilium.tools.risk.limits import Limit, Problem, outside
from consilium.tools.risk.person import Flags, Numbers, People, Person

Predict = Callable[[People], Numbers]

HEADLINE = "prevent_base_total_cvd_10y"
LEARNED = "model_10y"
_CHUNK = 5000  # rows held in memory at a time
_FORMAT = "%.9f"  # of a fraction
_LATE = "30-year figures are published for ages 30 to 59 only"


@dataclass
class Tally:
    """What became of a cohort.

    Parameters
    ----------
    rows : all of them. refused : those without any estimate. partial : those with an `error` beside estimates.
    reasons : how many rows each argument kept from something.
    headline : the column that `risks` holds, and the picture shows.
    unread : columns that were kept and not read. unasked : yes/no columns that are not there, taken as no.
    risks : its values, with `female` and `age` in the same order.
    """

    headline: str
    unread: list[str]
    unasked: list[str]
    rows: int = 0
    refused: int = 0
    partial: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    risks: list[Numbers] = field(default_factory=list)
    female: list[Flags] = field(default_factory=list)
    age: list[Numbers] = field(default_factory=list)


def predict_file(
    source: Path,
    target: Path,
    learned: Predict,
    learned_limits: Sequence[Limit] = (),
    *,
    quiet: bool = False,
) -> Tally:
    """Write `target` with the estimates for every row of `source`; it appears when it is complete.

    Parameters
    ----------
    learned : the learned model's 10-year risk of people whose values are all possible; NaN where it declines,
        which is outside `learned_limits`.

    Raises
    ------
    ToolError
        If the file as a whole cannot be read (see `CohortReader`), or already has a column that would be added.
    OSError
        If a file cannot be opened or written.
    """
    if target.exists() and target.samefile(source):
        raise ToolError("The output would overwrite the input: give --out another name.")
    half = target.with_name(f".{target.name}.{os.getpid()}.part")
    with CohortReader(source) as reader:
        plan = _Plan(reader.known, learned_limits)
        if taken := [name for name in plan.added if name in reader.header]:
            raise ToolError(f"The file already has a column {taken[0]}: rename or remove it.")
        unasked = [name for name in FLAGS if name not in reader.known]
        tally = Tally(headline=plan.headline, unread=reader.unread, unasked=unasked)
        try:
            with (
                half.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out,
                tqdm(total=source.stat().st_size, unit="B", unit_scale=True, disable=quiet) as bar,
            ):
                writer = csv.writer(out, lineterminator="\n")
                writer.writerow([*reader.header, *plan.added])
                for rows in _chunks(reader.rows()):
                    writer.writerows(_completed(rows, plan, learned, tally))
                    bar.update(reader.position - bar.n)
            if not tally.rows:
                raise ToolError("The file names its columns and has no rows below them.")
            half.replace(target)
        finally:
            half.unlink(missing_ok=True)
    return tally


class _Plan:
    """Which columns are added to a file with these `known` columns."""

    def __init__(self, known: frozenset[str], learned_limits: Sequence[Limit]) -> None:
        self.learned_limits = learned_limits
        self.models: list[prevent.Model] = []
        if "egfr" in known:
            self.models = ["base", *(name for name in prevent.EXTRAS if name in known)]
            self.models += ["full"] if len(self.models) > 2 else []
        self.outcomes = [o for o in prevent.OUTCOMES if o != "heart_failure" or "bmi" in known]
        self.race = "race" in known
        self.prevent = {
            (model, years, outcome): f"prevent_{model}_{outcome}_{years}y"
            for model in self.models
            for years in prevent.YEARS
            for outcome in self.outcomes
        }
        pce = ["pce_ascvd_10y"]
        if not self.race:
            pce += ["pce_ascvd_10y_white", "pce_ascvd_10y_black"]
        self.estimates = [*self.prevent.values(), *pce, LEARNED]
        self.added = [*self.estimates, "note", "error"]
        self.headline = HEADLINE if self.models else LEARNED


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


def _completed(
    rows: Sequence[Row], plan: _Plan, learned: Predict, tally: Tally
) -> Iterator[list[str]]:
    """The rows of one chunk with their added cells."""
    people = People.of([row.person for row in rows if row.person is not None])
    estimates = _estimates(people, plan, learned)
    tally.risks.append(estimates[plan.headline])
    tally.female.append(people.female)
    tally.age.append(people.age)
    table = np.column_stack([estimates[name] for name in plan.estimates])
    count_known = np.isfinite(table).sum(axis=1)
    blank, one_row = [""] * len(plan.estimates), ",".join([_FORMAT] * len(plan.estimates))
    absent = {name: np.isnan(column).tolist() for name, column in estimates.items()}
    place = -1
    for row in rows:
        values, known = blank, False
        if row.person:
            place += 1
            values = (one_row % tuple(table[place])).replace("nan", "").split(",")
            known = bool(count_known[place])
            _explain(row, row.person, {n for n, column in absent.items() if column[place]}, plan)
        tally.rows += 1
        tally.refused += not known
        tally.partial += known and bool(row.errors)
        tally.reasons.update({error.split(" ")[0] for error in row.errors})
        yield [*row.cells, *values, "; ".join(row.notes), "; ".join(row.errors)]


def _estimates(people: People, plan: _Plan, learned: Predict) -> dict[str, Numbers]:
    """Each planned column; NaN where it cannot be computed."""
    found: dict[str, Numbers] = {}
    extras_known = sum(np.isfinite(getattr(people, name)) for name in prevent.EXTRAS)
    for model in plan.models:
        for years in prevent.YEARS:
            fractions = prevent.risks(people, years, model)
            if model == "full":
                fractions[extras_known < 2] = np.nan
            for outcome in plan.outcomes:
                column = fractions[:, prevent.OUTCOMES.index(outcome)]
                found[plan.prevent[model, years, outcome]] = column
    found["pce_ascvd_10y"] = pooled_cohort.risk(people)  # needs a race
    if not plan.race:
        found["pce_ascvd_10y_white"], found["pce_ascvd_10y_black"] = pooled_cohort.both(people)
    found[LEARNED] = learned(people) if len(people) else people.age
    return found


def _explain(row: Row, person: Person, absent: Set[str], plan: _Plan) -> None:
    """Say why an estimate is `absent`. That PCE starts later than PREVENT, which is there, is only a note."""
    prevented = bool(plan.models) and HEADLINE not in absent
    problems: list[Problem] = []
    if plan.models:
        if not prevented:
            problems += prevent.refusals(person)
        elif "prevent_base_heart_failure_10y" in absent:
            problems += prevent.heart_failure_refusals(person)
        problems += outside(person, list(prevent.EXTRA_LIMITS.values()), "PREVENT")
    row.errors += map(str, problems)
    if prevented and person.age >= prevent.THIRTY_YEARS_UNDER:
        row.notes.append(_LATE)
    pce = outside(person, pooled_cohort.LIMITS, "the Pooled Cohort Equations")
    if plan.race and person.race is None and not pce:
        row.notes.append("race not stated as white or black: no Pooled Cohort estimate")
    (row.notes if prevented else row.errors).extend(map(str, pce))
    if LEARNED in absent:
        row.notes += map(str, outside(person, plan.learned_limits, "the learned model"))
