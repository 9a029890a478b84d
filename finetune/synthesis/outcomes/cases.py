"""What the case search returns."""

from consilium.finetune.synthesis.voices import Writer
from consilium.tools.cases.contract import FindSimilarCases
from consilium.tools.cases.report import NOTHING_NEAR, CaseLine, FilmLine, build_result
from consilium.tools.contract import ToolResult

_SHARED = ("sepsis", "pneumonia", "heart failure", "cirrhosis", "coma", "lung cancer", "anaemia")


def search(writer: Writer, args: FindSimilarCases) -> ToolResult:
    """Result of `find_similar_cases`: cases with what became of them, or none."""
    rng = writer.rng
    if writer.chance(0.06):
        return build_result([], reason=NOTHING_NEAR)
    deadly = rng.uniform(0.05, 0.7)
    cases = []
    for _ in range(args.k):
        died = rng.random() < deadly
        cases.append(
            CaseLine(
                id=f"support2-{rng.randint(1, 9105):04d}",
                similarity=rng.uniform(80, 99.9),
                age=rng.randint(19, 95),
                sex=rng.choice(("female", "male")),
                shared=tuple(rng.sample(_SHARED, 2)),
                outcome="died in hospital" if died else "left hospital alive",
                died_in_hospital=died,
                died=died,
            )
        )
    films = [FilmLine(id="film-12", label="pneumonia")] if args.image and writer.chance(0.3) else []
    return build_result(cases, films=films)
