"""What an upload may be, whatever its format."""

from consilium.tools.contract import ToolError

MAX_PIXELS = 60_000_000
MIN_SIDE = 16


def check_size(width: int, height: int) -> None:
    """Refuse pictures too large to decode safely or too small to read.

    Raises
    ------
    ToolError
        With the sentence for the user.
    """
    if width * height > MAX_PIXELS:
        raise ToolError(
            f"The picture is too large ({width} x {height} pixels): please attach one of at most "
            f"{MAX_PIXELS // 1_000_000} megapixels."
        )
    if min(width, height) < MIN_SIDE:
        raise ToolError(
            f"The picture is too small to read ({width} x {height} pixels): "
            "please attach the film in its original size."
        )
