"""Vectors that are searched by cosine, in a FAISS file that is memory-mapped when it is read.

Exact up to `EXACT_LIMIT`; in larger bases a shortlist picks the vectors that are compared.
"""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from consilium.tools.cases.shortlist import Shortlist

EXACT_LIMIT = 100_000  # vectors that a search may compare one by one, some 20 ms
_SHORTLISTED = (100, 4)  # candidates: at least so many, and so many for each one wanted

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


class VectorIndex:
    """An index over vectors of length 1, each under the row number of its case.

    Parameters
    ----------
    index : IndexIDMap over IndexFlatIP.
    shortlist : of the same vectors, in a large base.
    """

    def __init__(self, index: Any, shortlist: Shortlist | None = None) -> None:
        self._index, self._shortlist = index, shortlist
        flat: Any = faiss.downcast_index(index.index)
        count, dimension = index.ntotal, index.d
        self.rows: Rows = faiss.vector_to_array(index.id_map)
        floats = faiss.rev_swig_ptr(flat.get_xb(), count * dimension) if count else ()
        self._vectors: Vectors = np.asarray(floats, dtype=np.float32).reshape(count, dimension)

    @classmethod
    def of(cls, vectors: Vectors, rows: Rows) -> "VectorIndex":
        """An index of the vectors [n, d] with ascending row numbers [n]."""
        index = faiss.IndexIDMap(faiss.IndexFlatIP(vectors.shape[1]))
        index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), rows)
        return cls(index, Shortlist.of(vectors) if len(vectors) > EXACT_LIMIT else None)

    @classmethod
    def read(cls, path: Path) -> "VectorIndex":
        """The index of a file, mapped into memory: pages are read when a search touches them."""
        index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        large = index.ntotal > EXACT_LIMIT
        return cls(index, Shortlist.read(_beside(path)) if large else None)

    def write(self, path: Path) -> None:
        """Write the index into a file, and the shortlist of a large base into one beside it.

        Raises
        ------
        RuntimeError
            If it cannot be written as a whole.
        """
        faiss.write_index(self._index, str(path))
        if self._shortlist:
            self._shortlist.write(_beside(path))
        VectorIndex.read(path)  # FAISS does not tell when the last bytes found no room on the disk

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return int(self._index.d)

    def nearest(self, vector: Vectors, k: int, among: Rows | None = None) -> tuple[Rows, Vectors]:
        """Rows and cosines of the `k` nearest, best first; of `among` only where it is given."""
        wanted = min(k, len(self.rows) if among is None else len(among))
        if wanted < 1:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if self._shortlist:
            return self._compare(vector, self._candidates(vector, wanted, among), wanted)
        parameters: Any = None
        if among is not None:
            chosen: Any = faiss.IDSelectorBatch(among)  # must outlive the search
            parameters = faiss.SearchParameters()
            parameters.sel = chosen
        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        cosines, rows = self._index.search(query, wanted, params=parameters)
        found = rows[0] >= 0
        return rows[0][found], cosines[0][found]

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors [n, d] of the rows given."""
        return np.array(self._vectors[np.searchsorted(self.rows, rows)])

    def _candidates(self, vector: Vectors, wanted: int, among: Rows | None) -> Rows:
        assert self._shortlist is not None
        if among is not None and len(among) <= EXACT_LIMIT:
            return among
        least, each = _SHORTLISTED
        places = None if among is None else np.searchsorted(self.rows, among)
        found = self._shortlist.candidates(vector, max(least, each * wanted), places)
        return self.rows[np.sort(found)]

    def _compare(self, vector: Vectors, rows: Rows, wanted: int) -> tuple[Rows, Vectors]:
        cosines: Vectors = self.vectors(rows) @ np.asarray(vector, np.float32)
        best = np.argsort(-cosines, kind="stable")[:wanted]
        return rows[best], cosines[best]


def _beside(path: Path) -> Path:
    return path.with_suffix(".shortlist")
