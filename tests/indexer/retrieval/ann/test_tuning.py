from __future__ import annotations

import numpy as np
import pytest

from indexer.retrieval import exact_neighbours
from indexer.retrieval.ann import tuning as recall


@pytest.mark.parametrize("rows", [None, np.arange(3, 500, 7), np.array([4])])
@pytest.mark.parametrize("k", [1, 10, 600])
def test_exact_neighbours_are_those_of_a_full_sort(
    rows: np.ndarray | None, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recall, "_BATCH", 64)
    monkeypatch.setattr(recall, "_QUERIES", 8)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(500, 16)).astype(np.float16)
    queries = rng.normal(size=(20, 16)).astype(np.float32)
    allowed = np.arange(500) if rows is None else rows
    cosines = queries @ vectors[allowed].astype(np.float32).T
    expected = allowed[np.argsort(-cosines, axis=1)[:, :k]]
    np.testing.assert_array_equal(exact_neighbours(vectors, queries, k, rows), expected)
