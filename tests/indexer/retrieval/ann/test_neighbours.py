from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import DamagedIndexError
from indexer.retrieval import NeighbourIndex, write_neighbours
from indexer.storage import Effort, IndexKind, MappedVectors, QueryKind, RowSet

Make = Callable[..., NeighbourIndex]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes and opens an index over rows."""

    def made(
        rows: object, kind: IndexKind = IndexKind.FLAT, effort: Effort | None = None
    ) -> NeighbourIndex:
        np.save(tmp_path / "vectors.npy", np.asarray(rows, np.float16))
        vectors = MappedVectors(tmp_path / "vectors.npy")
        write_neighbours(vectors.array, kind, tmp_path / "n.faiss")
        efforts = dict.fromkeys(QueryKind, effort or Effort(64, 100))
        return NeighbourIndex.open(tmp_path / "n.faiss", vectors, kind, efforts)

    return made


def clustered(count: int, dim: int = 32, seed: int = 0) -> np.ndarray:
    """Unit vectors in 50 clumps, as pictures of kinds of products lie."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(50, dim))
    return unit(centres[rng.integers(0, 50, count)] + 0.7 * rng.normal(size=(count, dim)))


def unit(rows: object) -> np.ndarray:
    array = np.array(rows, np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def test_hand_computed_neighbours(make: Make) -> None:
    index = make(unit([[1, 0], [0, 1], [1, 1]]))
    assert (index.count, index.dim) == (3, 2)
    scores, rows = index.search(np.array([1, 0], np.float32), 3)
    assert rows.tolist() == [0, 2, 1]
    np.testing.assert_allclose(scores, [1, 0.7071, 0], atol=1e-3)


def test_exact_against_brute_force_over_the_stored_vectors(make: Make) -> None:
    rng = np.random.default_rng(0)
    stored = unit(rng.normal(size=(500, 32))).astype(np.float16)
    index = make(stored)
    for query in unit(rng.normal(size=(20, 32))):
        cosines = stored.astype(np.float32) @ query
        scores, rows = index.search(query, 10)
        assert rows.tolist() == np.argsort(-cosines)[:10].tolist()
        np.testing.assert_allclose(scores, cosines[rows], atol=1e-5)


def test_ties_come_in_row_order_and_k_is_bounded(make: Make) -> None:
    index = make(unit([[0, 1]] * 4 + [[1, 0]] * 3))
    _, rows = index.search(np.array([1, 0], np.float32), 100)
    assert rows.tolist() == [4, 5, 6, 0, 1, 2, 3]


@pytest.mark.parametrize("k", range(1, 41))
def test_ties_at_the_last_place_go_to_the_first_rows(make: Make, k: int) -> None:
    index = make(unit([[0, 1]] * 3 + [[1, 0]] * 37))
    _, rows = index.search(np.array([1, 0], np.float32), k)
    assert rows.tolist() == [*range(3, 40), 0, 1, 2][:k]


def test_an_empty_index_finds_nothing(make: Make) -> None:
    scores, rows = make(np.empty((0, 2))).search(np.ones(2, np.float32), 5)
    assert len(scores) == len(rows) == 0


def test_what_faiss_cannot_read_is_a_damaged_index(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", np.zeros((1, 2), np.float16))
    (tmp_path / "n.faiss").write_bytes(b"not an index at all")
    vectors = MappedVectors(tmp_path / "vectors.npy")
    with pytest.raises(DamagedIndexError):
        NeighbourIndex.open(tmp_path / "n.faiss", vectors, IndexKind.FLAT, {})


@pytest.mark.parametrize("kind", [IndexKind.HNSW, IndexKind.IVFPQ])
@pytest.mark.parametrize("dim", [3, 32, 33])
def test_approximate_kinds_find_nearly_all_with_exact_cosines(
    make: Make, kind: IndexKind, dim: int
) -> None:
    stored = clustered(5000, dim).astype(np.float16)
    index = make(stored, kind)
    found = 0
    for query in clustered(50, dim, seed=1):
        cosines = stored.astype(np.float32) @ query
        scores, rows = index.search(query, 10)
        assert len(rows) == 10
        np.testing.assert_allclose(scores, cosines[rows], atol=1e-5)
        assert (np.diff(scores) <= 0).all()
        found += len(set(rows.tolist()) & set(np.argsort(-cosines)[:10].tolist()))
    assert found / 500 >= 0.95


@pytest.mark.parametrize("kind", list(IndexKind))
@pytest.mark.parametrize("share", [0.0, 0.0004, 0.01, 0.3, 0.6, 1.0])
def test_a_filter_leaves_as_many_hits_as_there_are(
    make: Make, kind: IndexKind, share: float
) -> None:
    stored = clustered(8000).astype(np.float16)
    index = make(stored, kind)
    mask = np.random.default_rng(2).random(8000) < share
    passing = np.flatnonzero(mask)
    for query in clustered(10, seed=1):
        _, rows = index.search(query, 10, RowSet(mask))
        assert len(rows) == min(10, len(passing))
        assert mask[rows].all()
        if len(passing) <= 1024 or kind is IndexKind.FLAT:  # compared one by one: exact
            cosines = stored[passing].astype(np.float32) @ query
            assert rows.tolist() == passing[np.argsort(-cosines, kind="stable")[:10]].tolist()


@pytest.mark.parametrize("kind", [IndexKind.HNSW, IndexKind.IVFPQ])
def test_a_filter_far_from_the_query_still_fills_the_answer(make: Make, kind: IndexKind) -> None:
    near, far = clustered(9000), clustered(9000, seed=5)
    near[:, 0], far[:, 0] = 10, -10
    stored = unit(np.concatenate([near, far]))
    mask = np.arange(18_000) >= 9000
    _, rows = make(stored, kind, Effort(4, 10)).search(stored[0], 25, RowSet(mask))
    assert len(rows) == 25
    assert mask[rows].all()


@pytest.mark.parametrize("kind", [IndexKind.HNSW, IndexKind.IVFPQ])
def test_a_filter_that_goes_with_where_rows_lie_finds_the_nearest(
    make: Make, kind: IndexKind
) -> None:
    stored = clustered(20_000, 32)
    allowed = np.argsort(stored @ stored[0])[:3000]  # what lies on the other side
    mask = np.zeros(20_000, np.bool_)
    mask[allowed] = True
    index = make(stored.astype(np.float16), kind, Effort(16, 100))
    found = 0
    for query in clustered(50, 32, seed=1):
        _, rows = index.search(query, 10, RowSet(mask))
        nearest = allowed[np.argsort(-(stored[allowed] @ query))[:10]]
        found += len(np.intersect1d(rows, nearest))
    assert found / 500 >= 0.9


@pytest.mark.parametrize("kind", [IndexKind.HNSW, IndexKind.IVFPQ])
def test_all_rows_can_be_asked_for(make: Make, kind: IndexKind) -> None:
    stored = clustered(3000).astype(np.float16)
    scores, rows = make(stored, kind).search(unit([np.ones(32)])[0], 3000)
    assert sorted(rows.tolist()) == list(range(3000))
    assert (np.diff(scores) <= 0).all()
