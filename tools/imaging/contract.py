"""Contract of the chest film reader."""

from typing import Annotated

from pydantic import Field

from consilium.tools.contract import AttachmentId, ToolArgs


class AnalyzeScan(ToolArgs):
    """Arguments of `analyze_scan`: the id of one attached film."""

    image: Annotated[AttachmentId, Field(description="film as an attachment")]
