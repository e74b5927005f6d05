from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer.errors import DamagedIndexError
from indexer.neighbours import NeighbourIndex, write_flat


def unit(rows: object) -> np.ndarray:
    array = np.array(rows, np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def test_hand_computed_neighbours(tmp_path: Path) -> None:
    write_flat([unit([[1, 0], [0, 1]]), unit([[1, 1]])], 2, tmp_path / "n.faiss")
    index = NeighbourIndex.open(tmp_path / "n.faiss")
    assert (index.count, index.dim) == (3, 2)
    scores, rows = index.search(np.array([1, 0], np.float32), 3)
    assert rows.tolist() == [0, 2, 1]
    np.testing.assert_allclose(scores, [1, 0.7071, 0], atol=1e-3)


def test_exact_against_brute_force_over_the_stored_vectors(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    stored = unit(rng.normal(size=(500, 32))).astype(np.float16)
    write_flat([stored], 32, tmp_path / "n.faiss")
    index = NeighbourIndex.open(tmp_path / "n.faiss")
    for query in unit(rng.normal(size=(20, 32))):
        cosines = stored.astype(np.float32) @ query
        scores, rows = index.search(query, 10)
        assert rows.tolist() == np.argsort(-cosines)[:10].tolist()
        np.testing.assert_allclose(scores, cosines[rows], atol=1e-5)


def test_ties_come_in_row_order_and_k_is_bounded(tmp_path: Path) -> None:
    write_flat([unit([[0, 1]] * 4 + [[1, 0]] * 3)], 2, tmp_path / "n.faiss")
    index = NeighbourIndex.open(tmp_path / "n.faiss")
    _, rows = index.search(np.array([1, 0], np.float32), 100)
    assert rows.tolist() == [4, 5, 6, 0, 1, 2, 3]


@pytest.mark.parametrize("k", range(1, 41))
def test_ties_at_the_last_place_go_to_the_first_rows(tmp_path: Path, k: int) -> None:
    write_flat([unit([[0, 1]] * 3 + [[1, 0]] * 37)], 2, tmp_path / "n.faiss")
    index = NeighbourIndex.open(tmp_path / "n.faiss")
    _, rows = index.search(np.array([1, 0], np.float32), k)
    assert rows.tolist() == [*range(3, 40), 0, 1, 2][:k]


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    write_flat([], 2, tmp_path / "n.faiss")
    scores, rows = NeighbourIndex.open(tmp_path / "n.faiss").search(np.ones(2, np.float32), 5)
    assert len(scores) == len(rows) == 0


def test_what_faiss_cannot_read_is_a_damaged_index(tmp_path: Path) -> None:
    (tmp_path / "n.faiss").write_bytes(b"not an index at all")
    with pytest.raises(DamagedIndexError):
        NeighbourIndex.open(tmp_path / "n.faiss")
