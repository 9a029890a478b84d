"""The wording of a risk estimate: from numbers to a `ToolResult`.

Pure and free of torch: the predictor calls it with what it computed, the generator of training conversations with
sampled numbers, so both speak the same language. It computes nothing but the category that a percentage falls into.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from consilium.tools.contract import Finding, Level, Source, ToolResult
from consilium.tools.risk.categories import (
    LEVELS,
    PCE_ASCVD,
    PREVENT_ASCVD,
    PREVENT_CVD_SOURCE,
    PREVENT_CVD_TREATMENT,
)

Kind = Literal[
    "prevent_cvd", "prevent_ascvd", "prevent_heart_failure", "prevent_cvd_30", "pce", "learned"
]
Goal = Literal["smoking", "systolic_bp", "statin", "total_cholesterol", "all"]

PREVENT = Source(
    name="AHA PREVENT equations, base model", version="2023", data="Khan 2024, Circulation 149:430"
)
PCE = Source(
    name="ACC/AHA Pooled Cohort Equations", version="2013", data="Goff 2014, Circulation 129:S49"
)
LEARNED = Source(
    name="Consilium model of cardiovascular death",
    version="0.1",
    data="NHANES 1999-2018 with linked deaths to 2019",
)

LABELS: Mapping[Kind, str] = MappingProxyType(
    {
        "prevent_cvd": "10-year risk of cardiovascular disease (PREVENT)",
        "prevent_ascvd": "10-year risk of atherosclerotic cardiovascular disease (PREVENT)",
        "prevent_heart_failure": "10-year risk of heart failure (PREVENT)",
        "prevent_cvd_30": "30-year risk of cardiovascular disease (PREVENT)",
        "pce": "10-year risk of atherosclerotic cardiovascular disease (Pooled Cohort Equations)",
        "learned": "10-year risk of death from cardiovascular disease (learned model)",
    }
)
GOALS: Mapping[Goal, str] = MappingProxyType(
    {
        "smoking": "smoking stopped",
        "systolic_bp": "systolic pressure 130 mmHg",
        "statin": "a statin taken",
        "total_cholesterol": "total cholesterol 180 mg/dL (4.7 mmol/L)",
        "all": "all of these together",
    }
)

RESEARCH_USE = "Research use only: it does not replace a clinician's judgement."
NO_DISEASE = "The person is taken to have no known cardiovascular disease."
NO_EGFR = (
    "eGFR was not given: PREVENT needs it and was averaged over the eGFR of 64 similar US adults, all "
    "60 or more; state it for the exact figure."
)
NO_BMI = "BMI was not given, so heart failure was not estimated."
NO_RACE = (
    "Race was not stated: the Pooled Cohort figure is the white equation's, its interval runs to the "
    "African American one's."
)
IN_MG = "Cholesterol was read as mg/dL."
RANGE_PREVENT = (
    "PREVENT's interval is the middle 95 % if pressure, lipids and eGFR were measured again (and over "
    "the eGFR of similar people where it was not given); it does not hold the equation's own error."
)
RANGE_LEARNED = (
    "The learned model's interval is the spread over its ensemble and over what was not given."
)
WHAT_IF = (
    "What-ifs are recomputed with that one input changed; a pressure that is lowered counts as treated, "
    "a statin is taken to lower non-HDL cholesterol by 30 %. They compare people, they are not proven "
    "effects of treatment."
)
WHAT_IF_RAISES = (
    "Where a what-if lies above the estimate, the equation gives that input little or inverse weight at "
    "this age; it does not mean that treatment harms."
)
DEATH_ONLY = (
    "The learned model predicts cardiovascular death, PREVENT and the Pooled Cohort Equations "
    "cardiovascular events: the figures are not comparable."
)
_MATTERS = 0.3  # percentage points that a goal must gain to be named
_ABSENT = {
    "bp_treated": "no blood pressure treatment",
    "diabetes": "no diabetes",
    "smoker": "no smoking",
    "statin": "no statin",
}


class Estimate(NamedTuple):
    """One risk in percent, with its interval where it has one."""

    kind: Kind
    percent: float
    interval: tuple[float, float] | None = None


class Change(NamedTuple):
    """The leading risk in percent once a goal is reached."""

    goal: Goal
    percent: float


class Driver(NamedTuple):
    """A stated value in the words and units of who stated it, and the percentage points it adds."""

    value: str
    points: float


def taken_as_absent(otherwise: Mapping[str, float]) -> str:
    """The assumption for yes/no inputs that are at their default, with the risk in percent if it were otherwise."""
    said = [
        f"{_ABSENT[name]} (else {shown(otherwise[name])} %)"
        for name in _ABSENT
        if name in otherwise
    ]
    return f"Assumed, unless stated: {', '.join(said)}."


def build_result(
    estimates: Sequence[Estimate],
    *,
    changes: Sequence[Change] = (),
    drivers: Sequence[Driver] = (),
    not_covered: str = "",
    egfr_given: bool = True,
    assumptions: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> ToolResult:
    """Turn estimates into the result that the chair and the language model see.

    Parameters
    ----------
    estimates : the first one leads: "prevent_cvd", or "learned" where PREVENT cannot be used.
    changes : what the leading risk would be, in the order to be shown.
    drivers : what adds most to the leading risk, strongest first.
    not_covered : the stated values that PREVENT does not cover, where "learned" leads.
    egfr_given : False where PREVENT was averaged over the eGFR of similar people.
    assumptions, warnings : sentences, shown with those that belong to every result.
    """
    lead = estimates[0]
    kinds = {estimate.kind for estimate in estimates}
    with_prevent = lead.kind == "prevent_cvd"
    findings = [_finding(estimate) for estimate in estimates]
    findings += [_changed(change, lead.kind) for change in changes]
    if drivers:
        text = "; ".join(f"{d.value}: {d.points:+.1f} points" for d in drivers)
        findings.append(Finding(label="what weighs most", value=text))
    told = [
        *assumptions,
        NO_DISEASE,
        *([] if egfr_given or not with_prevent else [NO_EGFR]),
        *([RANGE_PREVENT] if with_prevent else []),
        *([RANGE_LEARNED] if "learned" in kinds else []),
        *([NO_RACE] if "pce" in kinds else []),
        *([WHAT_IF] if changes else []),
    ]
    apart = [DEATH_ONLY] if "learned" in kinds and len(kinds) > 1 else []
    if any(shown(change.percent) > shown(lead.percent) for change in changes):
        apart.append(WHAT_IF_RAISES)
    return ToolResult(
        summary=_summary(estimates, changes, not_covered, egfr_given),
        findings=findings,
        assumptions=told,
        warnings=[*warnings, *apart, RESEARCH_USE],
        sources=[
            source
            for source, mark in ((PREVENT, "prevent"), (PCE, "pce"), (LEARNED, "learned"))
            if any(kind.startswith(mark) for kind in kinds)
        ],
    )


def shown(percent: float) -> float:
    """A percentage as it is shown: tenths, hundredths below 0.1, and never 0 or 100."""
    percent = min(max(percent, 0.01), 99.9)
    return round(percent, 1 if percent >= 0.1 else 2)


def category(estimate: Estimate) -> tuple[str, str]:
    """The guideline's word for a risk and the guideline; empty where none belongs to it."""
    fraction = estimate.percent / 100
    if estimate.kind == "prevent_ascvd":
        return PREVENT_ASCVD.category(fraction), PREVENT_ASCVD.source
    if estimate.kind == "pce":
        return PCE_ASCVD.category(fraction), PCE_ASCVD.source
    if estimate.kind == "prevent_cvd":
        above = round(fraction, 3) >= PREVENT_CVD_TREATMENT
        return (
            f"{'at or above' if above else 'below'} {100 * PREVENT_CVD_TREATMENT:g} %",
            PREVENT_CVD_SOURCE,
        )
    return "", ""


def _finding(estimate: Estimate) -> Finding:
    word, source = category(estimate)
    level: Level = "info"
    if estimate.kind in {"prevent_ascvd", "pce"}:
        level = LEVELS[word]  # type: ignore[index]
    label = LABELS[estimate.kind]
    return Finding(
        label=f"{label}: {word}, {source}" if word else label,
        value=shown(estimate.percent),
        unit="%",
        interval=_interval(estimate),
        level=level,
    )


def _interval(estimate: Estimate) -> tuple[float, float] | None:
    return (shown(estimate.interval[0]), shown(estimate.interval[1])) if estimate.interval else None


def _changed(change: Change, lead: Kind) -> Finding:
    by = "PREVENT" if lead == "prevent_cvd" else "learned model"
    return Finding(label=f"{by} with {GOALS[change.goal]}", value=shown(change.percent), unit="%")


def _summary(
    estimates: Sequence[Estimate], changes: Sequence[Change], not_covered: str, egfr_given: bool
) -> str:
    lead = estimates[0]
    if lead.kind == "prevent_cvd":
        again = "if measured again" if egfr_given else "over repeat measurements and likely eGFR"
        said = "10-year risk of cardiovascular disease by PREVENT"
    else:
        again = "95 % interval"
        said = "10-year risk of cardiovascular death by the learned model"
    said += f" is {shown(lead.percent)} %"
    if interval := _interval(lead):
        said += f" ({interval[0]} to {interval[1]} %, {again})"
    parts = [said]
    part = next((e for e in estimates if e.kind == "prevent_ascvd"), None)
    if part:
        word, source = category(part)
        parts.append(
            f"its atherosclerotic part, {shown(part.percent)} %, is {word} risk "
            f"({source.partition(' (')[0]})"
        )
    if not_covered:
        parts.append(f"PREVENT does not cover {not_covered}")
    if best := most_useful(lead, changes):
        parts.append(f"{GOALS[best.goal]} would lower it most, to {shown(best.percent)} %")
    return "; ".join(parts) + "."


def most_useful(lead: Estimate, changes: Sequence[Change]) -> Change | None:
    """The single goal that would lower the leading risk most; None where none lowers it enough to matter."""
    single = [c for c in changes if c.goal != "all" and c.percent <= lead.percent - _MATTERS]
    return min(single, key=lambda change: change.percent, default=None)
