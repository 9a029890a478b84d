"""The case base of one folder: adding, removing, rebuilding; `snapshot` is for reading.

Every write makes a new generation of texts (SQLite) and vectors (FAISS) and switches to it, so that it is
all there or not at all, and what was removed is in no file any more.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from consilium.tools.cases.case import Case
from consilium.tools.cases.generation import (
    MISSING,
    Generations,
    Manifest,
    ModelInfo,
    check_files,
    read_manifest,
)
from consilium.tools.cases.index import Rows, VectorIndex, Vectors
from consilium.tools.cases.interface import CONFLICT, Sorted, sort_out
from consilium.tools.cases.snapshot import VECTORS_FILE, Snapshot, check_dimension
from consilium.tools.cases.texts import Texts, TextsWriter, rewritten
from consilium.tools.contract import ToolError

_ATTEMPTS = 5  # to open a snapshot while writers replace it


class CaseBase:
    """A case base in a folder of its own, which need not exist before the first write."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder
        self._generations = Generations(folder)
        self._opening = threading.Lock()
        self._opened: Snapshot | None = None

    @property
    def exists(self) -> bool:
        """Whether anything was ever written here."""
        return self._generations.current() is not None

    def snapshot(self) -> Snapshot:
        """The current generation, opened once and kept until a newer one takes its place.

        Raises
        ------
        ToolError
            If there is no case base, or it is damaged.
        """
        with self._opening:
            for _ in range(_ATTEMPTS):
                current = self._generations.current()
                if self._opened is None or self._opened.folder != current:
                    try:
                        self._opened = _open(current)
                    except ToolError:
                        if self._generations.current() != current:
                            continue  # replaced while it was being opened
                        raise
                return self._opened
            raise ToolError("The case base is being written too often to be read: try again.")

    def create(self, model: ModelInfo) -> None:
        """Make an empty base for the vectors of this model; what was there before is gone."""

        def fill(_old: Path | None, new: Path) -> Manifest:
            with rewritten(new, None) as texts:
                rows = texts.rows()
            VectorIndex.of(np.empty((0, model.dimension), np.float32), rows).write(
                new / VECTORS_FILE
            )
            return Manifest(cases=0, model=model)

        self._generations.write(fill, repair=True)

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
        if len(cases) != len(vectors):
            raise ValueError(f"{len(cases)} cases and {len(vectors)} vectors")
        found: list[Sorted] = []

        def change(before: Snapshot, texts: TextsWriter) -> Vectors | None:
            check_dimension(before.model, vectors.shape[1])
            found.append(sort_out(before, cases, replace, deduplicate))
            if found[0].conflicts:
                raise ToolError(CONFLICT.format(case=found[0].conflicts[0]))
            wanted = found[0].wanted
            texts.remove([cases[position].id for position in found[0].replaced])
            texts.add([cases[position] for position in wanted])
            return vectors[wanted] if wanted else None

        self._change(change)
        return found[0]

    def remove(self, ids: Sequence[str]) -> list[str]:
        """Remove cases, text and vector, from every file; the ids of those that were here.

        Raises
        ------
        ToolError
            If there is no base or it is damaged. Unknown ids are passed over.
        """
        removed: list[str] = []

        def change(before: Snapshot, texts: TextsWriter) -> Vectors | None:
            removed.extend(before.by_id(ids))
            texts.remove(removed)
            return np.empty((0, before.model.dimension), np.float32) if removed else None

        self._change(change)
        return removed

    def stored(self) -> tuple[ModelInfo | None, Rows, list[Case]]:
        """The model (None where it is lost), every row and its case, read without the vectors.

        Works on a damaged base too, as long as its texts can be read.

        Raises
        ------
        ToolError
            If there is no base, or the texts cannot be read.
        """
        folder = self._generations.start(repair=True)
        if folder is None:
            raise ToolError(MISSING)
        try:
            model = read_manifest(folder, check=False).model
        except ToolError:
            model = None
        found = list(Texts(folder).entries())
        return model, np.array([row for row, _ in found], np.int64), [case for _, case in found]

    def replace_vectors(self, rows: Rows, vectors: Vectors, model: ModelInfo) -> None:
        """Give every case its vector anew; ids and rows stay.

        Raises
        ------
        ToolError
            If the cases are not those of `rows` any more.
        """

        def fill(old: Path | None, new: Path) -> Manifest:
            with rewritten(new, old) as texts:
                present = texts.rows()
            if not np.array_equal(present, rows):
                raise ToolError("Cases were added or removed meanwhile: run the rebuild again.")
            VectorIndex.of(vectors, rows).write(new / VECTORS_FILE)
            return Manifest(cases=len(rows), model=model)

        self._generations.write(fill, repair=True)

    def verify(self) -> None:
        """Compare every file with the hash taken when it was written, however large it is.

        Raises
        ------
        ToolError
            If there is no base, or a file is not as it was written.
        """
        folder = self.snapshot().folder
        check_files(folder, read_manifest(folder))

    def _change(self, change: Callable[[Snapshot, TextsWriter], Vectors | None]) -> None:
        """Write a generation; `change` edits the texts and returns the vectors of what it added."""

        def fill(old: Path | None, new: Path) -> Manifest | None:
            before = _open(old)
            with rewritten(new, before.folder) as texts:
                fresh = change(before, texts)
                rows = texts.rows()
            if fresh is None:
                return None
            kept = before.vectors(rows[: len(rows) - len(fresh)])
            VectorIndex.of(np.concatenate([kept, fresh]), rows).write(new / VECTORS_FILE)
            return Manifest(cases=len(rows), model=before.model)

        self._generations.write(fill)


def _open(folder: Path | None) -> Snapshot:
    if folder is None:
        raise ToolError(MISSING)
    return Snapshot(folder)
