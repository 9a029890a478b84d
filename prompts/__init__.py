"""The texts the language model reads, as files: loaded by name, hashed into every trace."""

from functools import cache
from hashlib import sha256
from importlib.resources import files

_FILES = ("system.md", "chat.jinja")


@cache
def load(name: str) -> str:
    """Text of a prompt file, e.g. ``load("system.md")``.

    Raises
    ------
    FileNotFoundError
        If no prompt of that name is packaged.
    """
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


@cache
def digest() -> str:
    """SHA-256 over all prompt files, in hexadecimal."""
    return sha256("\0".join(load(name) for name in _FILES).encode()).hexdigest()
