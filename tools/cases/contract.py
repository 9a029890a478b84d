"""Contract of the similar-case search."""

from typing import Annotated

from pydantic import Field

from consilium.tools.contract import AttachmentId, ToolArgs

MAX_CASES = 20


class FindSimilarCases(ToolArgs):
    """Arguments of `find_similar_cases`: the case in words, how many cases (1 to 20), and optionally a film."""

    query: Annotated[
        str,
        Field(
            min_length=1,
            description="description of the case in words",
            json_schema_extra={"quoted": True},
        ),
    ]
    k: Annotated[int, Field(ge=1, le=MAX_CASES, json_schema_extra={"stated": True})] = 5
    image: AttachmentId | None = None
