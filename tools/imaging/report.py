"""The wording of the film reader: from numbers to a `ToolResult`.

Pure and free of torch: the reader calls it with what the network said, the generator of training
conversations with sampled numbers, so both speak the same language. It decides nothing: thresholds
are the reader's affair.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from consilium.tools.contract import Finding, Source, ToolResult

FilmLevel = Literal["likely", "indeterminate", "unlikely"]

SOURCE = Source(
    name="Consilium film reader",
    version="0.2",
    data="Kermany 2018 paediatric chest films; part of NIH ChestX-ray14 (adults)",
)
RESEARCH_USE = "Research use only: a radiologist must read the film."
PREVALENCE = "The probability is stated for a setting in which half of the films show pneumonia."
FRONTAL = "The film is taken to be a frontal chest film."
AGE_UNKNOWN = (
    "The patient's age is not known: the reader learned mostly from children, and on adult films "
    "it is less accurate (AUC {adult_auc:.2f})."
)
ADULT = (
    "This is an adult film: the reader learned mostly from children "
    "(AUC on adults {adult_auc:.2f})."
)
LOOKS_LIKE = "The film is read by the calibration for {films}, which it looks like."
FILMS_OF = {"kermany": "the children's films", "nih": "the adults' films"}
CLIPPED = "Large parts of the film are pure black or pure white, so detail there is lost."
LOW_RESOLUTION = "The picture is smaller than what the reader works on, so fine detail is missing."
COLOUR = "The picture has colours: a photograph or screenshot of a film is read less reliably."
LATERAL = "The film is marked as a lateral view: the reader learned from frontal views only."
OUTSIDE = "it does not look like the chest films the reader learned from"

_ADULT_AGE = 18
_SHOWN = ("view", "age", "sex")  # the facts that matter to who reads the result


def age_in_years(facts: Mapping[str, str]) -> int | None:
    """Age in whole years from the facts ("90+" counts as 90); None where it is not known."""
    digits = facts.get("age", "").rstrip("+")
    return int(digits) if digits.isdigit() else None


def cautions(facts: Mapping[str, str], adult_auc: float) -> list[str]:
    """What the film's own facts warn of.

    Parameters
    ----------
    facts : what `intake.admit` returned, e.g. {"age": "54", "view": "PA"}.
    adult_auc : measured AUC on held-out adult films, 0 to 1.
    """
    age = age_in_years(facts)
    found = []
    if age is None:
        found.append(AGE_UNKNOWN.format(adult_auc=adult_auc))
    elif age >= _ADULT_AGE:
        found.append(ADULT.format(adult_auc=adult_auc))
    if facts.get("view") in {"LL", "RL", "LATERAL"}:
        found.append(LATERAL)
    if facts.get("colour") == "yes":
        found.append(COLOUR)
    return found


def build_result(
    probability: float | None,
    interval: tuple[float, float] | None = None,
    level: FilmLevel = "indeterminate",
    *,
    facts: Mapping[str, str] | None = None,
    population: str = "",
    warnings: Sequence[str] = (),
    reason: str = "",
    source: Source = SOURCE,
) -> ToolResult:
    """Turn one reading into the result that the chair and the language model see.

    Parameters
    ----------
    probability : calibrated probability of pneumonia, 0 to 1; None where the reader abstains.
    interval : 95 % interval of `probability`.
    level : how the probability reads, by the thresholds fixed on validation films.
    facts : the film's own facts, shown as findings of level "info".
    population : the collection whose calibration was used, see `FILMS_OF`.
    warnings : sentences, e.g. from `cautions`.
    reason : why the reader abstains, as the end of a sentence; needed where `probability` is None.
    source : the model that read the film.
    """
    own = [Finding(label=name, value=facts[name]) for name in _SHOWN if facts and name in facts]
    told = [*warnings, RESEARCH_USE]
    if probability is None:
        return ToolResult(
            summary=f"The film reader gives no probability for this picture: {reason}.",
            status="abstained",
            reason=reason,
            findings=[Finding(label="pneumonia", value=None, unit="probability"), *own],
            warnings=told,
            sources=[source],
        )
    looks = [LOOKS_LIKE.format(films=FILMS_OF[population])] if population in FILMS_OF else []
    span = f" (95 % interval {percent(interval[0])} to {percent(interval[1])})" if interval else ""
    reading = Finding(
        label="pneumonia",
        value=shown(probability),
        unit="probability",
        interval=(shown(interval[0]), shown(interval[1])) if interval else None,
        level=level,
    )
    return ToolResult(
        summary="The film reader gives pneumonia a probability of "
        f"{percent(probability)}{span}: {level}.",
        findings=[reading, *own],
        assumptions=[FRONTAL, PREVALENCE, *looks],
        warnings=told,
        sources=[source],
    )


def shown(share: float) -> float:
    """A probability from 0 to 1 in three places; certainty is never claimed, as in `percent`."""
    return round(min(max(share, 0.001), 0.999), 3)


def percent(share: float) -> str:
    """A probability from 0 to 1 in words: whole percent, one decimal near certainty, which is never claimed."""
    value = min(max(100 * share, 0.1), 99.9)
    return f"{value:.0f} %" if 1 <= value < 99.5 else f"{value:.1f} %"
