"""Finding candidates in a large base without comparing with every vector: FAISS IVF over 4-bit vectors.

Only a shortlist comes from here; the index compares it with the exact vectors, so cosines stay exact and
what can be lost is a neighbour that was not shortlisted. Chosen by recall and cost (`benchmarks/cases.py`):
HNSW is quicker to search, but takes several times longer to build and holds all vectors in memory; product
quantisation took longest to train, and reducing the dimension first cost recall.
"""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

_PER_CENTRE = 40  # vectors that each centre is trained on
_ROUNDS = 6  # of k-means
_PROBED = 48  # lists that are looked into
_SEED = 1234


class Shortlist:
    """An approximate index of vectors [n, d] of length 1, by their places 0 to n - 1."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @classmethod
    def of(cls, vectors: Floats) -> "Shortlist":
        """Train on a sample of the vectors and add them all."""
        count, dimension = vectors.shape
        lists = int(2 * np.sqrt(count))
        index = faiss.index_factory(dimension, f"IVF{lists},SQ4", faiss.METRIC_INNER_PRODUCT)
        centres: Any = faiss.extract_index_ivf(index).cp
        centres.niter, centres.seed, centres.max_points_per_centroid = _ROUNDS, _SEED, _PER_CENTRE
        sample = np.random.default_rng(_SEED).permutation(count)[: lists * _PER_CENTRE]
        index.train(np.ascontiguousarray(vectors[np.sort(sample)], dtype=np.float32))
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    @classmethod
    def read(cls, path: Path) -> "Shortlist":
        """The shortlist of a file that `write` made, its lists mapped into memory."""
        return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP))

    def write(self, path: Path) -> None:
        """Write it into one file."""
        faiss.write_index(self._index, str(path))

    @property
    def count(self) -> int:
        """How many vectors there are."""
        return int(self._index.ntotal)

    def candidates(self, vector: Floats, count: int, among: Places | None = None) -> Places:
        """Places of about the nearest `count` vectors, in no useful order.

        Parameters
        ----------
        among : places to choose from; all where it is None.
        """
        parameters: Any = faiss.SearchParametersIVF()
        parameters.nprobe = _PROBED
        chosen: Any = None if among is None else faiss.IDSelectorBatch(among)
        if chosen is not None:
            parameters.sel = chosen
        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        places = self._index.search(query, min(count, self.count), params=parameters)[1][0]
        found: Places = places[places >= 0]
        return found
