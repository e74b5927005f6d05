"""Search by the three kinds of FAISS index, compared with brute force over the stored vectors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import DamagedIndexError
from indexer.retrieval import NeighbourIndex, write_neighbours
from indexer.storage import Effort, IndexKind, MappedVectors, QueryKind, RowSet

Make = Callable[..., NeighbourIndex]
Open = Callable[..., tuple[NeighbourIndex, np.ndarray]]

APPROXIMATE = (IndexKind.HNSW, IndexKind.IVFPQ)
EFFORT = Effort(64, 100)
GOLDEN = Path(__file__).parents[3] / "data" / "neighbours"


def clustered(count: int, dim: int = 32, seed: int = 0) -> np.ndarray:
    """Unit vectors in 50 clumps, as images of kinds of products lie."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(50, dim))
    return unit(centres[rng.integers(0, 50, count)] + 0.7 * rng.normal(size=(count, dim)))


def two_sides() -> np.ndarray:
    """Vectors of which the second half lies opposite to the first."""
    near, far = clustered(3000), clustered(3000, seed=5)
    near[:, 0], far[:, 0] = 10, -10
    return unit(np.concatenate([near, far]))


def unit(rows: object) -> np.ndarray:
    array = np.array(rows, np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


DATA = {
    "clustered": lambda: clustered(8000),
    "two sides": two_sides,
    "3 dimensions": lambda: clustered(2500, 3),
    "33 dimensions": lambda: clustered(2500, 33),
}


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Opens an index over named vectors, written once, and gives those as they are stored."""

    @cache
    def written(name: str, kind: IndexKind) -> tuple[Path, MappedVectors]:
        folder = tmp_path_factory.mktemp("neighbours")
        np.save(folder / "vectors.npy", DATA[name]().astype(np.float16))
        vectors = MappedVectors(folder / "vectors.npy")
        write_neighbours(vectors.array, kind, folder / "n.faiss")
        return folder / "n.faiss", vectors

    def open_one(
        name: str, kind: IndexKind, effort: Effort = EFFORT
    ) -> tuple[NeighbourIndex, np.ndarray]:
        path, vectors = written(name, kind)
        index = NeighbourIndex.open(path, vectors, kind, dict.fromkeys(QueryKind, effort))
        return index, vectors.array.astype(np.float32)

    return open_one


@pytest.fixture
def flat(tmp_path: Path) -> Make:
    """Writes and opens a flat index over rows."""

    def made(rows: object) -> NeighbourIndex:
        np.save(tmp_path / "vectors.npy", np.asarray(rows, np.float16))
        vectors = MappedVectors(tmp_path / "vectors.npy")
        write_neighbours(vectors.array, IndexKind.FLAT, tmp_path / "n.faiss")
        return NeighbourIndex.open(tmp_path / "n.faiss", vectors, IndexKind.FLAT, {})

    return made


def nearest(stored: np.ndarray, query: np.ndarray, rows: np.ndarray, k: int) -> list[int]:
    """By brute force: of some rows the nearest, ties in row order."""
    return rows[np.argsort(-(stored[rows] @ query), kind="stable")[:k]].tolist()


def test_hand_computed_neighbours(flat: Make) -> None:
    index = flat(unit([[1, 0], [0, 1], [1, 1]]))
    assert (index.count, index.dim) == (3, 2)
    scores, rows = index.search(np.array([1, 0], np.float32), 3)
    assert rows.tolist() == [0, 2, 1]
    np.testing.assert_allclose(scores, [1, 0.7071, 0], atol=1e-3)


def test_exact_against_brute_force_over_the_stored_vectors(opened: Open) -> None:
    index, stored = opened("clustered", IndexKind.FLAT)
    for query in unit(np.random.default_rng(0).normal(size=(20, 32))):
        scores, rows = index.search(query, 10)
        assert rows.tolist() == nearest(stored, query, np.arange(8000), 10)
        np.testing.assert_allclose(scores, stored[rows] @ query, atol=1e-5)


def test_ties_come_in_row_order_and_k_is_bounded(flat: Make) -> None:
    index = flat(unit([[0, 1]] * 4 + [[1, 0]] * 3))
    _, rows = index.search(np.array([1, 0], np.float32), 100)
    assert rows.tolist() == [4, 5, 6, 0, 1, 2, 3]


def test_ties_at_the_last_place_go_to_the_first_rows(flat: Make) -> None:
    index = flat(unit([[0, 1]] * 3 + [[1, 0]] * 37))
    for k in range(1, 41):
        _, rows = index.search(np.array([1, 0], np.float32), k)
        assert rows.tolist() == [*range(3, 40), 0, 1, 2][:k]


def test_an_empty_index_finds_nothing(flat: Make) -> None:
    scores, rows = flat(np.empty((0, 2))).search(np.ones(2, np.float32), 5)
    assert scores.tolist() == rows.tolist() == []


def test_a_file_that_faiss_cannot_read_is_a_damaged_index(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", np.zeros((1, 2), np.float16))
    (tmp_path / "n.faiss").write_bytes(b"not an index at all")
    vectors = MappedVectors(tmp_path / "vectors.npy")
    with pytest.raises(DamagedIndexError, match=r"FAISS can't read n\.faiss"):
        NeighbourIndex.open(tmp_path / "n.faiss", vectors, IndexKind.FLAT, {})


@pytest.mark.parametrize("kind", APPROXIMATE)
@pytest.mark.parametrize("name", ["3 dimensions", "clustered", "33 dimensions"])
def test_approximate_kinds_find_nearly_all_with_exact_cosines(
    opened: Open, kind: IndexKind, name: str
) -> None:
    index, stored = opened(name, kind, Effort(192, 100))
    found = 0
    for query in clustered(50, stored.shape[1], seed=1):
        scores, rows = index.search(query, 10)
        assert len(rows) == 10
        np.testing.assert_allclose(scores, stored[rows] @ query, atol=1e-5)
        assert (np.diff(scores) <= 0).all()
        found += len({*rows.tolist()} & {*nearest(stored, query, np.arange(len(stored)), 10)})
    assert found / 500 >= 0.95


@pytest.mark.parametrize("kind", list(IndexKind))
@pytest.mark.parametrize("share", [0.0, 0.0004, 0.01, 0.3, 0.6, 1.0])
def test_a_filter_leaves_as_many_hits_as_there_are(
    opened: Open, kind: IndexKind, share: float
) -> None:
    index, stored = opened("clustered", kind)
    mask = np.random.default_rng(2).random(8000) < share
    passing = np.flatnonzero(mask)
    for query in clustered(10, seed=1):
        _, rows = index.search(query, 10, RowSet(mask))
        assert len(rows) == min(10, len(passing))
        assert mask[rows].all()
        if len(passing) <= 1024 or kind is IndexKind.FLAT:  # compared one by one: exact
            assert rows.tolist() == nearest(stored, query, passing, 10)


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_a_filter_far_from_the_query_still_fills_the_answer(opened: Open, kind: IndexKind) -> None:
    index, stored = opened("two sides", kind, Effort(4, 10))
    mask = np.arange(6000) >= 3000
    _, rows = index.search(stored[0], 25, RowSet(mask))
    assert len(rows) == 25
    assert mask[rows].all()


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_a_filter_that_goes_with_where_rows_lie_finds_the_nearest(
    opened: Open, kind: IndexKind
) -> None:
    index, stored = opened("clustered", kind, Effort(16, 100))
    allowed = np.argsort(stored @ stored[0])[:1500]  # rows on the other side
    mask = np.zeros(8000, np.bool_)
    mask[allowed] = True
    found = 0
    for query in clustered(50, seed=1):
        _, rows = index.search(query, 10, RowSet(mask))
        found += len({*rows.tolist()} & {*nearest(stored, query, allowed, 10)})
    assert found / 500 >= 0.9


@pytest.mark.parametrize("kind", [IndexKind.HNSW, IndexKind.IVFPQ])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 1.0])
def test_files_of_earlier_versions_are_searched(kind: IndexKind, share: float) -> None:
    """The files were written by version 0.2, whose graphs held 8-bit vectors."""
    vectors = MappedVectors(GOLDEN / "vectors.npy")
    stored = vectors.array.astype(np.float32)
    efforts = dict.fromkeys(QueryKind, Effort(64, 40))
    index = NeighbourIndex.open(GOLDEN / f"{kind}.faiss", vectors, kind, efforts)
    mask = np.random.default_rng(3).random(len(stored)) < share
    found = 0
    for query in unit(np.random.default_rng(4).normal(size=(20, 16))):
        scores, rows = index.search(query, 5, RowSet(mask))
        np.testing.assert_allclose(scores, stored[rows] @ query, atol=1e-5)
        found += len({*rows.tolist()} & {*nearest(stored, query, np.flatnonzero(mask), 5)})
    assert found / 100 >= 0.95


def test_a_query_of_another_dimension_is_refused(opened: Open) -> None:
    index, _ = opened("clustered", IndexKind.HNSW)
    with pytest.raises(ValueError, match="32 components"):
        index.search(np.ones(31, np.float32), 10)


def test_a_graph_gives_rows_of_equal_cosine_in_row_order(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", np.repeat(clustered(2000), 3, axis=0).astype(np.float16))
    vectors = MappedVectors(tmp_path / "vectors.npy")
    write_neighbours(vectors.array, IndexKind.HNSW, tmp_path / "n.faiss")
    efforts = {QueryKind.TEXT: Effort(64, 100)}
    index = NeighbourIndex.open(tmp_path / "n.faiss", vectors, IndexKind.HNSW, efforts)
    for row in (0, 600, 4500):
        _, rows = index.search(vectors.take(np.array([row]))[0], 5)
        assert rows[:3].tolist() == [row, row + 1, row + 2]


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_all_rows_can_be_asked_for(opened: Open, kind: IndexKind) -> None:
    index, stored = opened("33 dimensions", kind)
    scores, rows = index.search(unit([np.ones(33)])[0], 2500)
    assert sorted(rows.tolist()) == list(range(2500))
    np.testing.assert_allclose(scores, stored[rows] @ unit([np.ones(33)])[0], atol=1e-5)
    assert (np.diff(scores) <= 0).all()


def test_efforts_go_by_the_kind_of_query(opened: Open) -> None:
    index, stored = opened("clustered", IndexKind.IVFPQ)
    tuned = index.with_efforts({QueryKind.IMAGE: Effort(1, 10), QueryKind.TEXT: Effort(400, 8000)})
    queries = clustered(50, seed=1)
    found = {
        kind: sum(
            len({*tuned.search(query, 10, kind=kind)[1].tolist()} & {*exact})
            for query, exact in zip(
                queries, [nearest(stored, q, np.arange(8000), 10) for q in queries], strict=True
            )
        )
        for kind in QueryKind
    }
    assert found[QueryKind.TEXT] == found[QueryKind.MIXED] == 500
    assert found[QueryKind.IMAGE] < 450
