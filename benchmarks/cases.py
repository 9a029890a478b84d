"""Vector search at scale: `python benchmarks/cases.py [--count N] [--queries N] [--hnsw-limit N]`.

In one run and on one thread: the index of the case search (memory-mapped), the exact comparison with all
vectors, hnswlib, and the tutorial way (scikit-learn's full cosine matrix, then argsort). The vectors are the
embeddings of the case base in the data folder, each taken many times and perturbed; without a case base,
random cluster centres take their place. The requests are perturbed alike. Building is told in seconds of
processor, which others at work on the machine change little; searching by the clock.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import faiss
import numpy as np
import numpy.typing as npt

from consilium.tools.cases.index import EXACT_LIMIT, VectorIndex
from consilium.tools.cases.location import open_store
from consilium.tools.contract import ToolError

Vectors = npt.NDArray[np.float32]
T = TypeVar("T")
Search = Callable[[Vectors], npt.NDArray[np.int64]]

_NEAREST = 10
_NOISE = 0.45  # length of the perturbation of a vector of length 1
_CHUNK = 50_000
_MATRIX_REQUESTS = 20  # the matrix of all requests would not fit


def main() -> None:
    """Build, search, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=150_000, help="vectors")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--hnsw-limit", type=int, default=1_000_000, help="no hnswlib above it")
    wanted = parser.parse_args()
    faiss.omp_set_num_threads(1)
    real = _real()
    print(f"{wanted.count:,} vectors of {real.shape[1]} numbers from {len(real):,} embeddings")
    vectors, requests = _perturbed(real, wanted.count, 1), _perturbed(real, wanted.queries, 2)
    rows = np.arange(wanted.count, dtype=np.int64)
    flat = faiss.IndexFlatIP(real.shape[1])
    _, exact_s = _timed(lambda: flat.add(vectors), time.process_time)
    truth = [flat.search(request[None], _NEAREST)[1][0] for request in requests]
    print(
        f"{'':<38}{'build s':>8}{'open s':>8}{'MB':>8}{'p50 ms':>9}{'p99 ms':>9}{'recall@10':>11}"
    )
    megabytes = vectors.nbytes / 1e6
    _measure(
        "exact (FAISS flat)", exact_s, 0.0, megabytes, requests, truth,
        lambda request: flat.search(request[None], _NEAREST)[1][0],
    )  # fmt: skip
    flat.reset()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.faiss"
        built, build_s = _timed(lambda: VectorIndex.of(vectors, rows), time.process_time)
        built.write(path)
        del built
        opened, open_s = _timed(lambda: VectorIndex.read(path))
        resident = sum(file.stat().st_size for file in Path(folder).iterdir() if file != path)
        kind = "shortlist + exact" if wanted.count > EXACT_LIMIT else "exact, mapped"
        _measure(
            f"case search ({kind})", build_s, open_s, resident / 1e6, requests, truth,
            lambda request: opened.nearest(request, _NEAREST)[0],
        )  # fmt: skip
        print(
            f"{'':<4}(+ {megabytes:,.0f} MB of vectors on disk, of which a search reads some pages)"
        )
    if wanted.count <= wanted.hnsw_limit:
        _hnsw(vectors, requests, truth)
    _matrix(vectors, requests, truth)


def _real() -> Vectors:
    try:
        snapshot = open_store().snapshot()
        return snapshot.vectors(snapshot.rows())
    except ToolError:
        centres = np.random.default_rng(0).normal(size=(10_000, 384)).astype(np.float32)
        return _unit(centres)


def _perturbed(real: Vectors, count: int, seed: int) -> Vectors:
    chance = np.random.default_rng(seed)
    found = np.empty((count, real.shape[1]), np.float32)
    for start in range(0, count, _CHUNK):
        part = real[chance.integers(len(real), size=min(_CHUNK, count - start))]
        noise = chance.standard_normal(part.shape, np.float32) / np.sqrt(part.shape[1])
        found[start : start + len(part)] = _unit(part + np.float32(_NOISE) * noise)
    return found


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _timed(
    work: Callable[[], T], clock: Callable[[], float] = time.perf_counter
) -> tuple[T, float]:
    started = clock()
    return work(), clock() - started


def _measure(
    name: str, build_s: float, open_s: float, megabytes: float, requests: Vectors,
    truth: list[npt.NDArray[np.int64]], search: Search,
) -> None:  # fmt: skip
    milliseconds, right = [], 0
    for request, best in zip(requests, truth, strict=False):
        found, seconds = _timed(lambda request=request: search(request))
        milliseconds.append(1e3 * seconds)
        right += len(set(found.tolist()) & set(best.tolist()))
    p50, p99 = np.percentile(milliseconds, (50, 99))
    recall = right / (_NEAREST * len(milliseconds))
    print(
        f"{name:<38}{build_s:>8.1f}{open_s:>8.2f}{megabytes:>8,.0f}{p50:>9.2f}{p99:>9.2f}{recall:>11.3f}",
        flush=True,
    )


def _hnsw(vectors: Vectors, requests: Vectors, truth: list[npt.NDArray[np.int64]]) -> None:
    try:
        import hnswlib
    except ImportError:
        print("hnswlib is not installed (pip install hnswlib): left out")
        return
    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(len(vectors), M=16, ef_construction=100, random_seed=1)
    index.set_num_threads(1)
    _, build_s = _timed(lambda: index.add_items(vectors), time.process_time)
    megabytes = (vectors.nbytes + len(vectors) * (2 * 16 * 4 + 16)) / 1e6
    for breadth in (100, 400):
        index.set_ef(breadth)
        _measure(
            f"hnswlib (M 16, ef {breadth})", build_s, 0.0, megabytes, requests, truth,
            lambda request: index.knn_query(request, _NEAREST)[0][0],
        )  # fmt: skip


def _matrix(vectors: Vectors, requests: Vectors, truth: list[npt.NDArray[np.int64]]) -> None:
    try:
        from sklearn.metrics.pairwise import cosine_similarity
    except ImportError:
        print("scikit-learn is not installed (pip install scikit-learn): left out")
        return

    def search(request: Vectors) -> npt.NDArray[np.int64]:
        return np.argsort(cosine_similarity(request[None], vectors)[0])[::-1][:_NEAREST]

    megabytes = vectors.nbytes / 1e6
    few = requests[:_MATRIX_REQUESTS]
    _measure("scikit-learn cosine + argsort", 0.0, 0.0, megabytes, few, truth, search)


if __name__ == "__main__":
    main()
