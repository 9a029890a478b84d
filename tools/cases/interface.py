"""What every case base offers, be it a folder (`base`) or a PostgreSQL database (`postgres`)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from consilium.tools.cases.case import Case, Filter
from consilium.tools.cases.generation import ModelInfo
from consilium.tools.cases.index import Rows, Vectors

CONFLICT = (
    "Another case has the id {case}: give the new one another id, or let it take that one's place"
    " (--replace)."
)


class CaseReader(Protocol):
    """One state of a case base, safe to share between threads.

    A case is addressed by its row number, which it keeps as long as it lives and which no other case
    is given later.
    """

    folder: Path
    """For files derived from this state (a lexical index), written aside and renamed. Goes with it."""
    number: int
    """Grows with every write."""
    model: ModelInfo
    """The model that made the vectors."""

    def __len__(self) -> int:
        """How many cases there are."""

    def rows(self) -> Rows:
        """Rows of all cases, ascending."""

    def nearest(self, vector: Vectors, k: int, among: Rows | None = None) -> tuple[Rows, Vectors]:
        """The `k` cases nearest to a unit vector [d]: rows and cosines, best first.

        Parameters
        ----------
        among : rows to choose from, e.g. from `select`; all where it is None.

        Raises
        ------
        ToolError
            If the vector is of a model with another dimension.
        """

    def vectors(self, rows: Rows) -> Vectors:
        """Vectors [n, d] of existing rows."""

    def cases(self, rows: Sequence[int] | Rows) -> list[Case]:
        """The cases of existing rows, in the same order."""

    def by_id(self, ids: Sequence[str]) -> dict[str, Case]:
        """The cases with these ids, as far as they are here."""

    def owners(self, hashes: Sequence[str]) -> dict[str, str]:
        """Text hash to the id of a case that has this text, as far as one is here."""

    def select(self, wanted: Filter) -> Rows:
        """Rows of the cases that fulfil the filter, ascending."""

    def entries(self) -> Iterator[tuple[int, Case]]:
        """Every row and its case, by ascending row."""


@dataclass
class Sorted:
    """What becomes of cases that are offered.

    `new` and `replaced` are positions in the list; `known` the ids of cases that are here already,
    `conflicts` those that stand for another case, `duplicates` pairs the id of a case that has another's
    text with the id of that other one.
    """

    new: list[int] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)

    @property
    def wanted(self) -> list[int]:
        """Positions of the cases that are written, ascending."""
        return sorted([*self.new, *self.replaced])


class CaseStore(Protocol):
    """A case base that can be read and written."""

    workspace: Path
    """Local folder for what is not part of the base: locks, the key of its ids, unfinished embeddings."""

    @property
    def exists(self) -> bool:
        """Whether anything was ever written here."""

    def snapshot(self) -> CaseReader:
        """The present state, opened once and kept until a newer one takes its place.

        Raises
        ------
        ToolError
            If there is no case base, it cannot be reached, or it is damaged.
        """

    def create(self, model: ModelInfo) -> None:
        """Make an empty base for the vectors of this model; what was there before is gone."""

    def add(
        self,
        cases: Sequence[Case],
        vectors: Vectors,
        replace: bool = False,
        deduplicate: bool = True,
    ) -> Sorted:
        """Add cases with their unit vectors [n, d]: all of them or, on an error, none.

        A case that is here already (same id, same content) is passed over, as is one whose text
        another case has, unless `deduplicate` is off.

        Parameters
        ----------
        replace : let a case with the id of another one take its place.

        Raises
        ------
        ToolError
            If there is no base, it is damaged, the vectors are of another model, or an id stands
            for another case already.
        """

    def remove(self, ids: Sequence[str]) -> list[str]:
        """Remove cases, text and vector; the ids of those that were here.

        Raises
        ------
        ToolError
            If there is no base or it is damaged. Unknown ids are passed over.
        """

    def stored(self) -> tuple[ModelInfo | None, Rows, list[Case]]:
        """The model (None where it is lost), every row and its case, read without the vectors.

        Works on a damaged base too, as long as its texts can be read.

        Raises
        ------
        ToolError
            If there is no base, or the texts cannot be read.
        """

    def replace_vectors(self, rows: Rows, vectors: Vectors, model: ModelInfo) -> None:
        """Give every case its vector anew; ids and rows stay.

        Raises
        ------
        ToolError
            If the cases are not those of `rows` any more.
        """

    def verify(self) -> None:
        """Look for damage thoroughly.

        Raises
        ------
        ToolError
            If there is no base, or something is not as it was written.
        """


def sort_out(
    before: CaseReader | None, cases: Sequence[Case], replace: bool, deduplicate: bool
) -> Sorted:
    """What `CaseStore.add` would do with these cases, so that only what is needed is embedded.

    Parameters
    ----------
    before : what is there; None where nothing is.
    """
    found = Sorted()
    owners = (
        before.owners([case.text_hash for case in cases])
        if before is not None and deduplicate
        else {}
    )
    present = before.by_id([case.id for case in cases]) if before is not None else {}
    offered: dict[str, Case] = {}
    for position, case in enumerate(cases):
        here = offered.get(case.id) or present.get(case.id)
        if here == case:
            found.known.append(case.id)
        elif here and (case.id in offered or not replace):
            found.conflicts.append(case.id)
        elif owners.get(case.text_hash, case.id) != case.id:
            found.duplicates.append((case.id, owners[case.text_hash]))
        else:
            (found.replaced if here else found.new).append(position)
            if deduplicate:
                owners[case.text_hash] = case.id
        offered[case.id] = case
    return found
