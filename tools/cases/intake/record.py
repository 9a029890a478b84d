"""One case as a file tells it, before it is checked and freed of identifiers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Record:
    """What a file says about one case.

    Parameters
    ----------
    where : for messages, e.g. "notes.csv, line 7".
    values : text of each field of `columns.FIELDS` that the file has.
    identifiers : names, numbers and the like of the patient, which must not stay in any text.
    """

    where: str
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    identifiers: Sequence[str] = ()


@dataclass(frozen=True)
class Problem:
    """Why something in a file is no case."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"
