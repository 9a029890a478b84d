"""The specialist as the chair calls it: a tumour's past in, its volume ahead under each plan out."""

import csv
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

from consilium.tools.contract import Artifact, ToolContext, ToolResult
from consilium.tools.treatment import report
from consilium.tools.treatment.chart import draw
from consilium.tools.treatment.contract import Plan, SimulateTreatment
from consilium.tools.treatment.counterfactuals import PLANS
from consilium.tools.treatment.explain import Influence
from consilium.tools.treatment.forecast import Forecaster
from consilium.tools.treatment.history import TREATMENTS, Floats, History, read_history
from consilium.tools.treatment.trajectory import Trajectory, by_volume

_loading = threading.Lock()
_loaded: list[Forecaster] = []


def simulate_treatment(args: SimulateTreatment, context: ToolContext) -> ToolResult:
    """Forecast the tumour volume under each plan.

    Each volume comes with a 90 % interval (see `bands` for what it holds). The simulator declines
    histories that are longer than those it learned from, or unlike anything it can make.

    Raises
    ------
    ToolError
        If a volume or a visit number cannot be right, or the weights are missing or damaged.
    """
    history = read_history(args)
    forecaster = load_forecaster()
    plans = _plans(args)
    outlook = forecaster.look_ahead(history, plans, args.horizon)
    asked = doubts(history)
    if outlook.reason:
        return report.build_result([], reason=outlook.reason, warnings=asked)
    best = by_volume(outlook.trajectories)[0]
    influence = forecaster.influence(history, best.plan, args.horizon, outlook.noise)
    result = report.build_result(
        outlook.trajectories,
        float(history.volumes[-1]),
        most_telling=influence.most_telling,
        assumptions=_assumptions(args, history),
        warnings=[*asked, *outlook.warnings],
    )
    artifacts = [
        _chart(history, outlook.trajectories, influence, context),
        _table(history, outlook.trajectories, context),
    ]
    return result.model_copy(update={"artifacts": artifacts})


def load_forecaster() -> Forecaster:
    """Load network and bands once, whichever thread comes first.

    Raises
    ------
    ToolError
        If weights or bands are missing, damaged, or do not belong together.
    """
    with _loading:
        if not _loaded:
            _loaded.append(Forecaster.load())
        return _loaded[0]


def _plans(args: SimulateTreatment) -> list[Plan]:
    """The plans asked for, each once; all where the list is empty."""
    return list(dict.fromkeys(args.plans)) or list(PLANS)


def doubts(history: History) -> list[str]:
    """What has to be asked about a history that can be right: whether its volumes are diameters."""
    if not history.whole_numbers:
        return []
    last = float(history.volumes[-1])
    return [report.whole_numbers(last)]


def _assumptions(args: SimulateTreatment, history: History) -> list[str]:
    assumed = []
    if not args.chemotherapy_at and not args.radiotherapy_at:
        assumed.append(report.NO_PAST)
    if history.treatments[-1].any():
        given = " and ".join(_given(history.treatments[-1]))
        assumed.append(report.KEPT.format(treatment=given))
    if "horizon" not in args.model_fields_set:
        assumed.append(report.DEFAULT_HORIZON.format(horizon=args.horizon))
    if not args.plans:
        assumed.append(report.ALL_PLANS)
    return assumed


def _given(treatment: Floats) -> list[str]:
    """Names of the (2,) treatments that are given."""
    return [name for name, given in zip(TREATMENTS, treatment, strict=True) if given]


def _chart(
    history: History, trajectories: Sequence[Trajectory], influence: Influence, context: ToolContext
) -> Artifact:
    name, path = _artifact("trajectories", "png", context)
    draw(history, trajectories, influence, path)
    return Artifact(id=name, kind="image", title="Forecast volume under each plan", path=path)


def _table(history: History, trajectories: Sequence[Trajectory], context: ToolContext) -> Artifact:
    name, path = _artifact("volumes", "csv", context)
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(("visit", "plan", "volume_cm3", "low_cm3", "high_cm3", "given"))
        for visit, volume in enumerate(history.volumes, start=1):
            given = " and ".join(_given(history.treatments[visit - 1]))
            writer.writerow((visit, "measured", volume, "", "", given))
        for trajectory in trajectories:
            paths = (trajectory.volumes, trajectory.low, trajectory.high)
            for visit, values in enumerate(zip(*paths, strict=True), start=history.visits + 1):
                writer.writerow((visit, trajectory.plan, *map(report.rounded, values), ""))
    return Artifact(
        id=name,
        kind="table",
        title="Volumes at each visit under each plan, with 90 % intervals",
        path=path,
        media_type="text/csv",
    )


def _artifact(kind: str, suffix: str, context: ToolContext) -> tuple[str, Path]:
    name = f"{kind}-{uuid.uuid4().hex[:12]}"
    context.artifact_dir.mkdir(parents=True, exist_ok=True)
    return name, context.artifact_dir / f"{name}.{suffix}"
