"""The texts the language model reads, as files: loaded by name."""

from functools import cache
from importlib.resources import files


@cache
def load(name: str) -> str:
    """Text of a prompt file, e.g. ``load("system.md")``.

    Raises
    ------
    FileNotFoundError
        If no prompt of that name is packaged.
    """
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
