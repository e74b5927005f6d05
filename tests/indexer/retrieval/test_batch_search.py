"""Batch search: exact for few vectors, nearly so in the clusters of many."""

from __future__ import annotations

import numpy as np
import pytest

from embeddings import FloatArray
from indexer.retrieval import BatchSearch

DIM = 16


def groups(count: int) -> FloatArray:
    """Unit vectors in groups, as catalogs have them."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(count // 20, DIM)).repeat(20, axis=0)
    vectors += 0.3 * rng.normal(size=vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors.astype(np.float16), np.float32)


def test_few_vectors_are_all_compared() -> None:
    vectors = groups(400)
    rows = np.arange(0, 400, 2)
    places, cosines = BatchSearch(vectors.astype(np.float16), rows).search(vectors, 5)
    truth = vectors @ vectors[rows].T
    np.testing.assert_allclose(cosines, -np.sort(-truth, axis=1)[:, :5], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(truth, places, 1), cosines, atol=1e-6)


def test_many_vectors_are_searched_by_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = groups(20_000)
    rows = np.arange(len(vectors))
    exact, _ = BatchSearch(vectors, rows, exact=True).search(vectors[:200], 11)
    monkeypatch.setattr("indexer.retrieval.batch_search._EXACT_ROWS", 1000)
    monkeypatch.setattr("indexer.retrieval.batch_search._BLOCK", 3000)
    places, cosines = BatchSearch(vectors.astype(np.float16), rows).search(vectors[:200], 11)
    found = [len(np.intersect1d(*pair)) for pair in zip(exact, places, strict=True)]
    assert np.mean(found) >= 0.99 * 11
    assert (places[:, 0] == rows[:200]).all()
    truth = (vectors[:200, np.newaxis] * vectors[places]).sum(-1)
    np.testing.assert_allclose(cosines, truth, atol=1e-5)


def test_no_more_come_back_than_there_are() -> None:
    vectors = groups(40)
    places, cosines = BatchSearch(vectors, np.array([7, 9])).search(vectors[:3], 5)
    assert places.shape == cosines.shape == (3, 2)
    assert set(places.ravel().tolist()) == {0, 1}
