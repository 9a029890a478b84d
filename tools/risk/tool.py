"""The specialist as the chair calls it: one person's values in, a typed result with a picture and a table out.

PREVENT leads wherever it can be used: it ranks people no worse than the learned model does (see the card), and
the outcome that guidelines ask for is its own. Without an eGFR it is averaged over those of similar people. Where it
refuses a person and the learned model does not, the learned model leads, and the result says so.
"""

import csv
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from consilium.tools.contract import Artifact, ToolContext, ToolError, ToolResult
from consilium.tools.risk import explain, pooled_cohort, prevent, report, spread, waterfall
from consilium.tools.risk.contract import PredictRisk
from consilium.tools.risk.features import FEATURES, INDEX, people_of, rows_of
from consilium.tools.risk.limits import check, outside
from consilium.tools.risk.model import LIMITS, RiskModel, load_model
from consilium.tools.risk.person import Numbers, People, Person
from consilium.tools.risk.report import Change, Driver, Estimate, Goal, Kind

_DRIVERS_IN_WORDS = 3
_YES_NO = ("bp_treated", "diabetes", "smoker", "statin")


def predict_risk(args: PredictRisk, context: ToolContext) -> ToolResult:
    """Estimate one person's cardiovascular risk, explain it and say what would change it.

    Raises
    ------
    ToolError
        If a value cannot be right, no model covers the person, or the weights are missing or damaged.
    """
    person = Person.from_args(args)
    check(person)
    refused = outside(person, prevent.LIMITS, "PREVENT")
    declined = outside(person, LIMITS, "the learned model")
    if refused and declined:
        told = {problem.name: problem for problem in (*declined, *refused)}
        raise ToolError(" ".join(problem.sentence() for problem in told.values()))
    model = load_model()
    case = _Case.of(person, model)
    withheld = prevent.heart_failure_refusals(person) if case.states("bmi") else []
    lead: Kind = "learned" if refused else "prevent_cvd"
    predict = _learned(model) if refused else _prevent
    estimates = [] if refused else _by_prevent(case, person)
    if not declined:
        estimates.append(_by_model(case, model))
    estimates += _by_pce(case)
    goals = explain.what_if(predict, case.filled)
    changes = [Change(_goal(name), 100 * risk) for name, risk in goals.items()]
    players = tuple(n for n in FEATURES if case.states(n) and (refused or n != "bmi"))
    others = _compared_with(model, len(case.filled))
    contributions = explain.shapley(predict, case.filled, others, players)
    drivers = [
        Driver(_value(args, name), 100 * points)
        for name, points in sorted(contributions.by_feature.items(), key=lambda item: -abs(item[1]))
    ]
    result = report.build_result(
        estimates,
        changes=changes,
        drivers=drivers[:_DRIVERS_IN_WORDS],
        not_covered=" and ".join(_value(args, problem.name) for problem in refused),
        egfr_given=args.egfr is not None,
        assumptions=_assumptions(args, predict, case, with_prevent=not refused),
        warnings=[problem.sentence() for problem in (refused or [*declined, *withheld])],
    )
    title = report.LABELS[lead]
    artifacts = [
        _picture(100 * contributions.base, drivers, title, context),
        _table(estimates[0], 100 * contributions.base, drivers, changes, context),
    ]
    return result.model_copy(update={"artifacts": artifacts})


@dataclass(frozen=True)
class _Case:
    """One person as the models read them.

    Parameters
    ----------
    row : (features,) what is stated, NaN where nothing is.
    filled : (fillings, features) without gaps.
    again : (DRAWS, features) the person as measured again and again.
    """

    row: Numbers
    filled: Numbers
    again: Numbers

    @classmethod
    def of(cls, person: Person, model: RiskModel) -> "_Case":
        row = rows_of(People.of([person]))[0]
        filled = model.reference.complete(row[None])[0]
        return cls(row, filled, spread.remeasured(row, filled))

    def states(self, name: str) -> bool:
        """Whether a value is stated (or at a default that stands for one)."""
        return bool(np.isfinite(self.row[INDEX[name]]))


def _compared_with(model: RiskModel, count: int) -> Numbers:
    """People of the reference sample whom PREVENT covers, the same on every call; (count, features)."""
    rows = model.reference.rows
    covered = np.isfinite(prevent.risk(people_of(rows)))
    found: Numbers = rows[covered][:count]
    return found


def _prevent(rows: Numbers) -> Numbers:
    # A goal or another person's value may lie outside the equation's range; the person asked about does not.
    return prevent.risk(people_of(rows), extrapolate=True)


def _learned(model: RiskModel) -> explain.Predict:
    def predict(rows: Numbers) -> Numbers:
        mean: Numbers = model.readings(rows[:, None]).mean(axis=(0, 2))
        return mean

    return predict


def _by_prevent(case: _Case, person: Person) -> list[Estimate]:
    now, again = people_of(case.filled), people_of(case.again)
    asked: list[tuple[Kind, prevent.Outcome, prevent.Years]] = [
        ("prevent_cvd", "total_cvd", 10),
        ("prevent_ascvd", "ascvd", 10),
    ]
    if case.states("bmi") and not prevent.heart_failure_refusals(person):
        asked.append(("prevent_heart_failure", "heart_failure", 10))
    if person.age < prevent.THIRTY_YEARS_UNDER:
        asked.append(("prevent_cvd_30", "total_cvd", 30))
    return [
        _estimate(
            kind,
            float(prevent.risk(now, outcome, years, extrapolate=True).mean()),
            spread.middle(prevent.risk(again, outcome, years, extrapolate=True)),
        )
        for kind, outcome, years in asked
    ]


def _by_model(case: _Case, model: RiskModel) -> Estimate:
    prediction = model.predict(case.row[None])
    return _estimate(
        "learned",
        float(prediction.risk[0]),
        (float(prediction.low[0]), float(prediction.high[0])),
    )


def _by_pce(case: _Case) -> list[Estimate]:
    """The white equation's figure, from it to the other one; nothing outside the equations' range."""
    white, black = (float(risk[0]) for risk in pooled_cohort.both(people_of(case.filled[:1])))
    if np.isnan(white):
        return []
    return [_estimate("pce", white, (min(white, black), max(white, black)))]


def _estimate(kind: Kind, risk: float, interval: tuple[float, float]) -> Estimate:
    # The spread of repeated measurements need not hold the number itself where the range ends.
    low, high = min(interval[0], risk), max(interval[1], risk)
    return Estimate(kind, 100 * risk, (100 * low, 100 * high))


def _goal(name: str) -> Goal:
    return next(goal for goal in get_args(Goal) if goal == name)


def _assumptions(
    args: PredictRisk, predict: explain.Predict, case: _Case, *, with_prevent: bool
) -> list[str]:
    otherwise = {}
    for name in _YES_NO:
        if not getattr(args, name):
            changed = case.filled.copy()
            changed[:, INDEX[name]] = 1
            otherwise[name] = 100 * float(predict(changed).mean())
    told = [report.taken_as_absent(otherwise)] if otherwise else []
    if "cholesterol_unit" not in args.model_fields_set:
        told.append(report.IN_MG)
    if with_prevent and args.bmi is None:
        told.append(report.NO_BMI)
    return told


def _value(args: PredictRisk, name: str) -> str:
    """A stated value in the words and the unit it was stated in."""
    if name.endswith("cholesterol"):
        label = "HDL cholesterol" if name.startswith("hdl") else "total cholesterol"
        return f"{label} {getattr(args, name):g} {args.cholesterol_unit}"
    return {
        "age": f"age {args.age}",
        "female": "woman" if args.sex == "female" else "man",
        "systolic_bp": f"systolic pressure {args.systolic_bp:g} mmHg",
        "bp_treated": "pressure treated" if args.bp_treated else "pressure not treated",
        "diabetes": "diabetes" if args.diabetes else "no diabetes",
        "smoker": "smoker" if args.smoker else "not smoking",
        "statin": "statin" if args.statin else "no statin",
        "egfr": f"eGFR {args.egfr:g} mL/min/1.73 m2" if args.egfr is not None else "",
        "bmi": f"BMI {args.bmi:g} kg/m2" if args.bmi is not None else "",
    }[name]


def _picture(base: float, drivers: Sequence[Driver], title: str, context: ToolContext) -> Artifact:
    name = f"risk-{uuid.uuid4().hex[:12]}"
    path = context.artifact_dir / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    waterfall.draw(base, drivers, title, path)
    return Artifact(id=name, kind="image", title=f"What makes the {title}", path=path)


def _table(
    lead: Estimate,
    base: float,
    drivers: Sequence[Driver],
    changes: Sequence[Change],
    context: ToolContext,
) -> Artifact:
    name = f"risk-table-{uuid.uuid4().hex[:12]}"
    path = context.artifact_dir / f"{name}.csv"
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["what", "percentage points", "risk in percent"])
        writer.writerow(["average US adult without CVD", "", f"{base:.2f}"])
        for driver in drivers:
            writer.writerow([driver.value, f"{driver.points:+.2f}", ""])
        writer.writerow(["this person", "", f"{lead.percent:.2f}"])
        for change in changes:
            points = f"{change.percent - lead.percent:+.2f}"
            writer.writerow([f"with {report.GOALS[change.goal]}", points, f"{change.percent:.2f}"])
    return Artifact(
        id=name,
        kind="table",
        title="Contributions and what-ifs",
        path=path,
        media_type="text/csv",
    )
