"""Reading a case base: one generation, opened once, the same for as long as it is held."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from consilium.tools.cases.case import Case, Filter
from consilium.tools.cases.generation import DAMAGED, ModelInfo, read_manifest
from consilium.tools.cases.index import Rows, VectorIndex, Vectors
from consilium.tools.cases.texts import Texts
from consilium.tools.contract import ToolError

VECTORS_FILE = "vectors.faiss"


class Snapshot:
    """One generation of a case base, safe to share between threads and unmoved by later writes.

    Parameters
    ----------
    folder : the generation's folder. Files derived from it (a lexical index) may be put there under
        other names, written aside and renamed: they go when the generation goes.

    Raises
    ------
    ToolError
        If a file is damaged or missing; so it is where a newer generation took its place meanwhile.
    """

    def __init__(self, folder: Path) -> None:
        manifest = read_manifest(folder)
        self.folder = folder
        self.number = manifest.number
        self.model: ModelInfo = manifest.model
        self._texts = Texts(folder)
        try:
            self._index = VectorIndex.read(folder / VECTORS_FILE)
        except RuntimeError as error:
            raise ToolError(DAMAGED.format(what=f"{VECTORS_FILE} cannot be read")) from error
        if not self._texts.count == len(self._index.rows) == manifest.cases:
            raise ToolError(DAMAGED.format(what="texts and vectors are not equally many"))

    def __len__(self) -> int:
        return len(self._index.rows)

    def rows(self) -> Rows:
        """Row numbers of all cases, ascending. A case keeps its row; no row is given twice."""
        return self._index.rows

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
        check_dimension(self.model, len(vector))
        return self._index.nearest(vector, k, among)

    def vectors(self, rows: Rows) -> Vectors:
        """Vectors [n, d] of existing rows."""
        return self._index.vectors(rows)

    def cases(self, rows: Sequence[int] | Rows) -> list[Case]:
        """The cases of existing rows, in the same order."""
        return self._texts.cases(rows)

    def by_id(self, ids: Sequence[str]) -> dict[str, Case]:
        """The cases with these ids, as far as they are here."""
        return self._texts.by_id(ids)

    def owners(self, hashes: Sequence[str]) -> dict[str, str]:
        """Text hash to the id of a case that has this text, as far as one is here."""
        return self._texts.owners(hashes)

    def select(self, wanted: Filter) -> Rows:
        """Rows of the cases that fulfil the filter, ascending."""
        return self.rows() if wanted.empty else self._texts.rows(wanted)

    def entries(self) -> Iterator[tuple[int, Case]]:
        """Every row and its case, by ascending row."""
        return self._texts.entries()

    def texts(self) -> Iterator[tuple[int, str]]:
        """Row and matched text of every case, by ascending row."""
        return ((row, case.text) for row, case in self.entries())


def check_dimension(model: ModelInfo, dimension: int) -> None:
    """Refuse vectors that another model made.

    Raises
    ------
    ToolError
        If the dimension is not the model's.
    """
    if dimension != model.dimension:
        raise ToolError(
            f"This case base was made with {model.name} ({model.dimension} numbers for each case),"
            f" but the embedding model in use gives {dimension}: use the same model, or move the base"
            " to the other one with `consilium cases rebuild --model FOLDER`."
        )
