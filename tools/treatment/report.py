"""The wording of the treatment simulator: from numbers to a `ToolResult`.

Pure and free of torch: the tool calls it with what the network said, the generator of training
conversations with sampled numbers, so both speak the same language. It decides nothing.
"""

from collections.abc import Sequence

from consilium.tools.contract import Finding, Source, ToolResult
from consilium.tools.treatment.contract import Plan
from consilium.tools.treatment.simulator import sphere_volume
from consilium.tools.treatment.trajectory import Trajectory, by_volume, overlap

SOURCE = Source(
    name="tumour treatment network",
    version="1",
    data="simulated lung tumours (PK-PD model of Geng 2017), no patients",
)
ORIGIN = (
    "The forecast comes from a model trained on simulated lung tumours, not from trials, and "
    "ignores toxicity."
)
RESEARCH_USE = "Research use only: not a basis for a treatment decision."
SPACING = (
    "Visits are taken to be one day apart, as in the simulator; with other gaps the forecast does "
    "not hold."
)
VOLUMES = (
    "The numbers are taken as volumes in cm3, not as diameters, and as exact: measurement error "
    "makes the intervals somewhat too narrow."
)
STARTS_NOW = (
    "Each plan is given right after the last measured volume and again at every visit after it."
)
KEPT = "The {treatment} recorded at the last visit is kept under every plan."
NO_PAST = "No past treatment was stated, so none is assumed."
DEFAULT_HORIZON = "No horizon was stated: {horizon} visits ahead."
ALL_PLANS = "No plan was named, so all four are compared."
WHOLE_NUMBERS = (
    "All volumes are whole numbers, as diameters in mm often are: are they volumes in cm3? A "
    "diameter of {diameter} mm would be {volume} cm3."
)
UNUSUAL = (
    "The volumes change about {factor} times as irregularly as the simulator's (first at visit "
    "{visit}), so the forecast and its intervals allow for that much noise."
)
DEATH = (
    "The interval under {plans} reaches {volume} cm3, where the simulator ends: its patients die at "
    "that volume."
)
TOO_LONG = (
    "the history has {visits} visits and the model learned from at most {most}; please give the "
    "latest {most} and count their visits anew"
)
UNLIKE = (
    "the change to visit {visit} is unlike anything the simulated tumours do; please check that "
    "volume and its unit"
)

PLAN_NAMES: dict[Plan, str] = {
    "none": "no treatment",
    "chemotherapy": "chemotherapy",
    "radiotherapy": "radiotherapy",
    "chemoradiotherapy": "chemoradiotherapy",
}
_SMALLEST_SHOWN = 0.01  # cm3
_MM_PER_CM = 10


def build_result(
    trajectories: Sequence[Trajectory],
    last_volume: float | None = None,
    *,
    most_telling: str = "",
    assumptions: Sequence[str] = (),
    warnings: Sequence[str] = (),
    reason: str = "",
    source: Source = SOURCE,
) -> ToolResult:
    """Turn the forecasts into the result that the chair and the language model see.

    Parameters
    ----------
    trajectories : the forecast of each plan, all of one horizon; empty where the simulator abstains.
    last_volume : cm3 at the last visit of the history.
    most_telling : which past visit the forecast rests on most, in a few words.
    assumptions, warnings : sentences beyond those that always hold.
    reason : why the simulator abstains, as the end of a sentence; needed without `trajectories`.
    source : the model that made the forecast.
    """
    told = [*warnings, ORIGIN, RESEARCH_USE]
    if not trajectories:
        return ToolResult(
            summary=f"The treatment simulator makes no forecast for this history: {reason}.",
            status="abstained",
            reason=reason,
            warnings=told,
            sources=[source],
        )
    ranked = by_volume(trajectories)
    return ToolResult(
        summary=_summary(ranked, last_volume),
        findings=_findings(ranked, last_volume, most_telling),
        assumptions=[VOLUMES, SPACING, STARTS_NOW, *assumptions],
        warnings=told,
        sources=[source],
    )


def _summary(ranked: Sequence[Trajectory], last_volume: float | None) -> str:
    best, *others = ranked
    when = ahead(best.horizon)
    if not others:
        now = f", after {volume(last_volume)} cm3 now" if last_volume is not None else ""
        return (
            f"Under {PLAN_NAMES[best.plan]} the forecast volume {when} is {volume(best.end)} cm3 "
            f"(90 % interval {span(best)}){now}."
        )
    second = others[0]
    both = "their intervals overlap" if overlap(best, second) else "their intervals do not overlap"
    first = f"{volume(best.end)} cm3 (90 % interval {span(best)})"
    if volume(best.end) == volume(second.end):
        return (
            f"The forecast volume {when} is lowest, and the same, under {PLAN_NAMES[best.plan]}, "
            f"{first}, and {PLAN_NAMES[second.plan]} ({span(second)}); {both}."
        )
    return (
        f"The forecast volume {when} is lowest under {PLAN_NAMES[best.plan]}, {first}; next is "
        f"{PLAN_NAMES[second.plan]}, {volume(second.end)} cm3 ({span(second)}); {both}."
    )


def _findings(
    ranked: Sequence[Trajectory], last_volume: float | None, most_telling: str
) -> list[Finding]:
    when = ahead(ranked[0].horizon)
    found = [
        Finding(
            label=f"volume {when}, {PLAN_NAMES[trajectory.plan]}",
            value=rounded(trajectory.end),
            unit="cm3",
            interval=(rounded(trajectory.interval[0]), rounded(trajectory.interval[1])),
        )
        for trajectory in ranked
    ]
    if len(ranked) > 1:
        best, second = ranked[:2]
        # Of the rounded volumes, so that the reader's own subtraction agrees.
        difference = rounded(rounded(second.end) - rounded(best.end))
        found += [
            Finding(label="lowest volume under", value=PLAN_NAMES[best.plan]),
            Finding(label=f"difference to {PLAN_NAMES[second.plan]}", value=difference, unit="cm3"),
        ]
    if last_volume is not None:
        found.append(Finding(label="volume now", value=rounded(last_volume), unit="cm3"))
    if most_telling:
        found.append(Finding(label="the forecast rests most on", value=most_telling))
    return found


def whole_numbers(number: float) -> str:
    """The question whether whole numbers are diameters, with one of them as an example."""
    return WHOLE_NUMBERS.format(
        diameter=f"{number:.0f}", volume=volume(sphere_volume(number / _MM_PER_CM))
    )


def rounded(cm3: float) -> float:
    """A volume as it is shown: whole from 100 cm3, one decimal from 10 cm3, else two."""
    return round(cm3, _decimals(cm3))


def volume(cm3: float) -> str:
    """A volume in words, rounded like `rounded`, e.g. "3.10"; "under 0.01" where nothing is left."""
    if cm3 < _SMALLEST_SHOWN / 2:
        return f"under {_SMALLEST_SHOWN}"
    return f"{cm3:.{_decimals(cm3)}f}"


def span(trajectory: Trajectory) -> str:
    """The band at the horizon in words: "3.10 to 5.72"."""
    low, high = trajectory.interval
    return f"{volume(low)} to {volume(high)}"


def _decimals(cm3: float) -> int:
    if cm3 >= 99.95:
        return 0
    return 1 if cm3 >= 9.995 else 2


def ahead(visits: int) -> str:
    """When: "in 5 visits"."""
    return "at the next visit" if visits == 1 else f"in {visits} visits"
