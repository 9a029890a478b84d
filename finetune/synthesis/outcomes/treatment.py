"""What the treatment simulator returns."""

import math

from consilium.finetune.synthesis.voices import Writer
from consilium.tools.contract import ToolError, ToolResult
from consilium.tools.treatment import report
from consilium.tools.treatment.contract import SimulateTreatment
from consilium.tools.treatment.history import read_history
from consilium.tools.treatment.trajectory import Trajectory

# Change of the logarithm of the volume per visit under each plan.
_DRIFT = {
    "none": (0.01, 0.06),
    "chemotherapy": (-0.1, 0.02),
    "radiotherapy": (-0.15, 0.0),
    "chemoradiotherapy": (-0.25, -0.05),
}


def forecast(writer: Writer, args: SimulateTreatment) -> ToolResult:
    """Result of `simulate_treatment`: forecasts, an abstention, or the refusal that these arguments get."""
    try:
        history = read_history(args)
    except ToolError as refusal:
        return ToolResult(summary=str(refusal), status="error", reason=str(refusal))
    if writer.chance(0.04):
        reason = report.UNLIKE.format(visit=writer.rng.randint(2, history.visits))
        return report.build_result((), reason=reason)
    last = float(history.volumes[-1])
    trajectories = []
    for plan in args.plans:
        drift = writer.rng.uniform(*_DRIFT[plan])
        spread = writer.rng.uniform(0.01, 0.05)
        steps = range(1, args.horizon + 1)
        trajectories.append(
            Trajectory(
                plan,
                [last * math.exp(drift * step) for step in steps],
                [last * math.exp((drift - spread) * step) for step in steps],
                [last * math.exp((drift + spread) * step) for step in steps],
            )
        )
    return report.build_result(trajectories, last)
