"""Every figure of a cohort, from its file and the shipped weights alone.

All predictors are measured on the same people: those for whom each of them gives a number. People whom the model
learned from are scored by the members that never saw them. An equation's number is for its own outcome, which is
seldom the cohort's: then ranking (AUC, C-index) compares, and calibration says how far the two outcomes are apart.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from consilium.tools.contract import ToolError
from consilium.tools.risk import pooled_cohort, prevent
from consilium.tools.risk.card import Evaluation, Figure, Group
from consilium.tools.risk.data import CENSORED, Cohort, read_cohort
from consilium.tools.risk.features import FEATURES, INDEX, people_of
from consilium.tools.risk.metrics import METRICS, Outcomes, draws, outcomes
from consilium.tools.risk.model import LIMITS, RiskModel
from consilium.tools.risk.person import Flags, Numbers, People
from consilium.tools.risk.rivals import FOLDS, RIVALS, cross_validated

LEARNED = "learned model"
PREVENT, PREVENT_NO_EGFR = "PREVENT total CVD", "PREVENT total CVD, eGFR withheld"
PREVENT_ASCVD, PCE = "PREVENT ASCVD", "PCE"
LEARNED_NO_EGFR = "learned model, eGFR withheld"

_AGES = (40, 80)  # those whom every equation covers
_BANDS = ((40, 50), (50, 60), (60, 70), (70, 80))
_YEARS = 10  # of the equations
_DRAWS = 500
_ENOUGH_TO_HORIZON = 0.05  # share of the people who must be followed to the horizon
_ENOUGH_EVENTS = 10  # in a group, to be measured
_DIGITS = 4
_BATCH = 1000  # people whose values are filled in at a time
_CELLS = 4_000_000  # of a bootstrap held in memory


def evaluate_file(path: Path, model: RiskModel) -> Evaluation:
    """Read a cohort file and measure every predictor on it; see `evaluate`."""
    return evaluate(read_cohort(path), model)


def evaluate(cohort: Cohort, model: RiskModel) -> Evaluation:
    """Measure every predictor on a cohort.

    Raises
    ------
    ToolError
        If too few people or events remain to measure anything.
    """
    horizon = _horizon(cohort)
    people, equations, left_out = _covered(cohort, model)
    if not len(people):
        raise ToolError("The cohort holds nobody whom every predictor covers.")
    truth = outcomes(people, horizon)
    if truth.event.sum() < _ENOUGH_EVENTS:
        raise ToolError(
            f"The cohort has {truth.event.sum():.0f} events within {horizon:g} years among the "
            f"{len(people)} people whom every predictor covers: {_ENOUGH_EVENTS} are needed."
        )
    risks = {LEARNED: model.predict_unseen(people.rows, people.persons, horizon)}
    if PREVENT in equations:
        blind = people.rows.copy()
        blind[:, INDEX["egfr"]] = np.nan
        risks[LEARNED_NO_EGFR] = model.predict_unseen(blind, people.persons, horizon)
    risks |= {name: 1 - (1 - risk) ** (horizon / _YEARS) for name, risk in equations.items()}
    risks |= cross_validated(people, truth)
    groups = {}
    differences: dict[str, dict[str, Figure]] = {}
    for name, members in tqdm(_groups(people, horizon).items(), desc="measuring", unit="group"):
        part = truth.where(members)
        if part.event.sum() < _ENOUGH_EVENTS:
            continue
        drawn = _drawn(part, {predictor: risk[members] for predictor, risk in risks.items()})
        groups[name] = Group(
            people=len(part),
            events=int(part.event.sum()),
            figures={predictor: _figures(values) for predictor, values in drawn.items()},
        )
        if not differences:
            differences = {
                predictor: _figures({m: v - drawn[LEARNED][m] for m, v in values.items()})
                for predictor, values in drawn.items()
                if predictor != LEARNED
            }
    return Evaluation(
        cohort=cohort.name,
        endpoint=cohort.endpoint,
        horizon=horizon,
        people=len(people),
        events=int(truth.event.sum()),
        left_out=left_out,
        notes=_notes(people, equations, horizon, model),
        groups=groups,
        differences=differences,
    )


def _horizon(cohort: Cohort) -> float:
    """10 years, or the last whole year to which enough people were followed."""
    for years in range(_YEARS, 0, -1):
        if (cohort.years >= years).mean() >= _ENOUGH_TO_HORIZON:
            return float(years)
    raise ToolError("The cohort was followed for less than a year: nothing can be measured.")


def _covered(cohort: Cohort, model: RiskModel) -> tuple[Cohort, dict[str, Numbers], dict[str, int]]:
    """Those for whom every predictor gives a number, their risks by the equations, and why others are left out."""
    age, egfr = cohort.rows[:, INDEX["age"]], cohort.rows[:, INDEX["egfr"]]
    of_age = (age >= _AGES[0]) & (age < _AGES[1])
    kidneys = of_age & ~(egfr < LIMITS[1].low)
    left_out = {
        "impossible value, or outcome not known": cohort.dropped,
        f"not aged {_AGES[0]} to {_AGES[1] - 1}": int((~of_age).sum()),
        "eGFR below 60, where the learned model declines": int((of_age & ~kidneys).sum()),
    }
    people = cohort.where(kidneys)
    equations = _equations(people, model)
    usable = np.ones(len(people), np.bool_)
    for risk in equations.values():
        usable &= np.isfinite(risk)
    left_out["a value missing, or outside an equation's range"] = int((~usable).sum())
    return (
        people.where(usable),
        {name: risk[usable] for name, risk in equations.items()},
        left_out,
    )


def _equations(cohort: Cohort, model: RiskModel) -> dict[str, Numbers]:
    """10-year risks by the equations whose measured inputs the file has; NaN where one refuses a person.

    What a cohort never asked about is filled in as for a patient who does not state it.
    """
    absent = set(cohort.unknown)
    if absent & {"total_cholesterol", "hdl_cholesterol", "systolic_bp"}:
        return {}

    def averaged(equation: Callable[[People], Numbers], unknown: set[str]) -> Numbers:
        columns = [INDEX[name] for name in unknown]
        found = np.empty(len(cohort))
        for start in range(0, len(cohort), _BATCH):
            rows = cohort.rows[start : start + _BATCH]
            filled = rows[:, None]
            if columns:
                blind = rows.copy()
                blind[:, columns] = np.nan
                donors = model.reference.complete(blind)
                filled = np.repeat(filled, donors.shape[1], axis=1)
                filled[:, :, columns] = donors[:, :, columns]
            black = np.nan_to_num(cohort.black[start : start + _BATCH]).repeat(filled.shape[1])
            people = people_of(filled.reshape(-1, len(FEATURES)), {"black": black})
            found[start : start + _BATCH] = equation(people).reshape(filled.shape[:2]).mean(axis=1)
        return found

    found = {
        PCE: averaged(pooled_cohort.risk, absent),
        PREVENT_NO_EGFR: averaged(prevent.risk, absent | {"egfr"}),
    }
    if "egfr" not in absent:
        found[PREVENT] = averaged(prevent.risk, absent)
        found[PREVENT_ASCVD] = averaged(lambda p: prevent.risk(p, "ascvd"), absent)
    return found


def _groups(people: Cohort, horizon: float) -> dict[str, Flags]:
    """Who belongs to which group; "everyone" first."""
    age, female = people.rows[:, INDEX["age"]], people.rows[:, INDEX["female"]] == 1
    groups: dict[str, Flags] = {"everyone": np.ones(len(people), np.bool_)}
    if female.any() and not female.all():
        groups |= {"women": female, "men": ~female}
    for low, high in _BANDS:
        groups[f"aged {low} to {high - 1}"] = (age >= low) & (age < high)
    survivors = people.status == CENSORED
    full = [
        entry
        for entry in np.unique(people.entry)
        if not (people.years[survivors & (people.entry == entry)] < horizon).any()
    ]
    if 0 < len(full) < len(np.unique(people.entry)):
        title = f"examined {full[0][:4]} to {full[-1][-4:]}, all survivors followed to the horizon"
        groups[title] = np.isin(people.entry, full)
    return groups


Drawn = dict[str, Numbers]  # by metric: the plain value first, then one of each bootstrap draw


def _drawn(truth: Outcomes, risks: Mapping[str, Numbers]) -> dict[str, Drawn]:
    """Every metric of every predictor over the same draws of people."""
    times = draws(len(truth), _DRAWS, seed=0)
    parts = np.split(times, range(step := max(_CELLS // len(truth), 1), _DRAWS, step))
    parts = [np.ones((1, len(truth)), np.float32), *parts]
    return {
        predictor: {
            metric: np.concatenate([measure(truth, risk, part) for part in parts])
            for metric, measure in METRICS.items()
        }
        for predictor, risk in risks.items()
    }


def _figures(drawn: Mapping[str, Numbers]) -> dict[str, Figure]:
    figures = {}
    for metric, values in drawn.items():
        low, high = np.nanpercentile(values[1:], (2.5, 97.5))
        value, low, high = (round(float(v), _DIGITS) for v in (values[0], low, high))
        figures[metric] = Figure(value=value, low=low, high=high)
    return figures


def _notes(
    people: Cohort, equations: Mapping[str, Numbers], horizon: float, model: RiskModel
) -> list[str]:
    notes = [
        f"Outcome: {people.endpoint} within {horizon:g} years. The learned model was trained on "
        "cardiovascular death, PREVENT on cardiovascular events (ASCVD and heart failure), the "
        "Pooled Cohort Equations on ASCVD events: calibration holds for the own outcome only.",
        f"Intervals: 95 %, {_DRAWS} bootstrap draws of people. Survey weights are not used.",
        f"{', '.join(RIVALS)} were fitted to this very cohort, {FOLDS}-fold cross-validated.",
    ]
    if horizon != _YEARS:
        notes.append(f"Equations' 10-year risks were scaled to {horizon:g} years.")
    if people.unknown:
        notes.append(f"Not in the file, so filled in or not used: {', '.join(people.unknown)}.")
    if not equations:
        notes.append("The file lacks what the equations need: they were not measured.")
    elif np.isnan(people.black).any():
        notes.append("Race is not in the file: the white Pooled Cohort Equations were used.")
    if model.learned_from(people.persons).any():
        notes.append(
            "The learned model was trained on people of this file: each is scored only by the "
            "members of the ensemble whose bootstrap sample did not hold them."
        )
    return notes


def as_text(evaluation: Evaluation) -> str:
    """The figures as a table for people."""
    lines = [
        f"{evaluation.cohort}: {evaluation.endpoint} within {evaluation.horizon:g} years, "
        f"n = {evaluation.people:,}, events {evaluation.events:,}"
    ]
    left_out = [f"{why} {n:,}" for why, n in evaluation.left_out.items() if n]
    if left_out:
        lines.append(f"left out: {'; '.join(left_out)}")
    for name, group in evaluation.groups.items():
        lines += ["", f"{name} (n = {group.people:,}, events {group.events:,})"]
        rows = [
            [predictor, *(f"{f.value:.3f} ({f.low:.3f} to {f.high:.3f})" for f in figures.values())]
            for predictor, figures in group.figures.items()
        ]
        lines += _table([["", *METRICS], *rows])
    return "\n".join([*lines, "", *evaluation.notes])


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
