"""Large bases: the shortlist keeps the neighbours, follows selections, and is read from its file."""

import numpy as np
import pytest

from consilium.tools.cases import index
from consilium.tools.cases.index import VectorIndex


@pytest.fixture
def large(monkeypatch):
    """2,000 clustered vectors, with a limit so low that this is a large base."""
    monkeypatch.setattr(index, "EXACT_LIMIT", 500)
    chance = np.random.default_rng(5)
    centres = chance.normal(size=(40, 32))
    vectors = centres[chance.integers(40, size=2000)] + 0.4 * chance.normal(size=(2000, 32))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return vectors, np.arange(10, 4010, 2, dtype=np.int64)


def test_neighbours_are_kept(large, tmp_path):
    vectors, rows = large
    VectorIndex.of(vectors, rows).write(tmp_path / "vectors.faiss")
    assert (tmp_path / "vectors.shortlist").exists()
    opened = VectorIndex.read(tmp_path / "vectors.faiss")
    right = 0
    for request in vectors[:50]:
        exact = np.argsort(-(vectors @ request))[:10]
        found, cosines = opened.nearest(request, 10)
        assert np.allclose(cosines, (vectors @ request)[np.searchsorted(rows, found)], atol=1e-6)
        assert (np.diff(cosines) <= 0).all()
        right += len(set(found) & set(rows[exact]))
    assert right / 500 >= 0.98


@pytest.mark.parametrize("size", [0, 3, 400, 1500])
def test_only_among_the_selected(large, size):
    vectors, rows = large
    among = np.sort(np.random.default_rng(size).permutation(rows)[:size])
    found, _ = VectorIndex.of(vectors, rows).nearest(vectors[0], 20, among)
    assert set(found) <= set(among)
    assert len(found) == min(size, 20)


def test_a_damaged_shortlist_is_told(large, tmp_path):
    vectors, rows = large
    VectorIndex.of(vectors, rows).write(tmp_path / "vectors.faiss")
    (tmp_path / "vectors.shortlist").write_bytes(b"broken")
    with pytest.raises(RuntimeError):
        VectorIndex.read(tmp_path / "vectors.faiss")
    (tmp_path / "vectors.shortlist").unlink()
    with pytest.raises(RuntimeError):
        VectorIndex.read(tmp_path / "vectors.faiss")


def test_a_small_base_has_none(tmp_path):
    VectorIndex.of(np.eye(4, dtype=np.float32), np.arange(4)).write(tmp_path / "vectors.faiss")
    assert not (tmp_path / "vectors.shortlist").exists()
