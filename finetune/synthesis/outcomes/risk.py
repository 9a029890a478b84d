"""What the risk predictor returns."""

import math

from consilium.finetune.synthesis.voices import Writer
from consilium.tools.contract import ToolError, ToolResult
from consilium.tools.risk import prevent
from consilium.tools.risk.contract import PredictRisk
from consilium.tools.risk.limits import check, outside
from consilium.tools.risk.person import Person
from consilium.tools.risk.report import Change, Estimate, build_result


def estimate(writer: Writer, args: PredictRisk) -> ToolResult:
    """Result of `predict_risk`: an estimate, or the refusal that these values get."""
    rng = writer.rng
    person = Person.from_args(args)
    try:
        check(person)
    except ToolError as refusal:
        return ToolResult(summary=str(refusal), status="error", reason=str(refusal))
    refused = outside(person, prevent.LIMITS, "PREVENT")
    lead = _sampled(writer, math.exp(rng.uniform(math.log(0.6), math.log(45))))
    changes = []
    if args.smoker and writer.chance(0.9):
        changes.append(Change("smoking", lead[0] * rng.uniform(0.6, 0.95)))
    if person.systolic_bp > 130 and writer.chance(0.9):
        changes.append(Change("systolic_bp", lead[0] * rng.uniform(0.7, 0.97)))
    if not args.statin and writer.chance(0.9):
        changes.append(Change("statin", lead[0] * rng.uniform(0.8, 0.99)))
    if refused:
        values = " and ".join(
            f"{problem.name} {getattr(args, problem.name):g}" for problem in refused
        )
        return build_result(
            [Estimate("learned", *lead)],
            changes=changes,
            not_covered=values,
            warnings=[problem.sentence() for problem in refused],
        )
    part = lead[0] * rng.uniform(0.4, 0.75)
    return build_result(
        [Estimate("prevent_cvd", *lead), Estimate("prevent_ascvd", part)],
        changes=changes,
        egfr_given=args.egfr is not None,
    )


def _sampled(writer: Writer, percent: float) -> tuple[float, tuple[float, float]]:
    low, high = writer.rng.uniform(0.6, 0.9), writer.rng.uniform(1.1, 1.6)
    return percent, (percent * low, min(percent * high, 99))
