"""Contract of the chest film reader."""

from consilium.tools.contract import AttachmentId, ToolArgs


class AnalyzeScan(ToolArgs):
    """Arguments of `analyze_scan`: the id of one attached film."""

    image: AttachmentId
