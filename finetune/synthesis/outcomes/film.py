"""What the film reader returns."""

from consilium.finetune.synthesis.voices import Writer
from consilium.tools.contract import ToolResult
from consilium.tools.imaging.report import (
    CLIPPED,
    LOW_RESOLUTION,
    OUTSIDE,
    FilmLevel,
    build_result,
    cautions,
)

_FILE_PROBLEMS = (
    "The picture is empty; please attach the film again.",
    "The file ends too early; please export it again and attach it anew.",
    "The DICOM file holds no pixels; please attach the image itself.",
    "Reading took too long and was stopped; please try again.",
)


def reading(writer: Writer) -> ToolResult:
    """Result of `analyze_scan`: a reading, an abstention or a file that cannot be opened."""
    rng = writer.rng
    facts: dict[str, str] = {}
    if writer.chance(0.4):
        facts["age"] = str(rng.randint(1, 89))
    if writer.chance(0.4):
        facts["view"] = rng.choice(("PA", "PA", "AP", "LL"))
    if writer.chance(0.06):
        facts["colour"] = "yes"
    warnings = cautions(facts, adult_auc=round(rng.uniform(0.62, 0.9), 2))
    if writer.chance(0.05):
        warnings.append(rng.choice((CLIPPED, LOW_RESOLUTION)))
    fate = rng.random()
    if fate < 0.07:
        return build_result(None, facts=facts, warnings=warnings, reason=OUTSIDE)
    if fate < 0.1:
        problem = rng.choice(_FILE_PROBLEMS)
        return ToolResult(summary=problem, status="error", reason=problem)
    # Three decimals, as the result keeps them: the summary and a reply then round alike.
    probability = round(min(max(rng.betavariate(0.55, 0.55), 0.004), 0.996), 3)
    spread = rng.uniform(0.02, 0.16) * (0.25 + 3 * probability * (1 - probability))
    low = round(max(probability - spread * rng.uniform(0.6, 1.3), 0.0), 3)
    high = round(min(probability + spread * rng.uniform(0.6, 1.3), 1.0), 3)
    level: FilmLevel = (
        "likely" if probability > 0.75 else "unlikely" if probability < 0.25 else "indeterminate"
    )
    return build_result(probability, (low, high), level, facts=facts, warnings=warnings)
