"""Tuning of efforts, and the exact neighbours that it compares with."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.retrieval import NeighbourIndex, exact_neighbours, write_neighbours
from indexer.retrieval.ann import tuning as recall
from indexer.retrieval.ann.tuning import draw_samples, tune
from indexer.storage import IndexKind, MappedVectors, QueryKind


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


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> tuple[NeighbourIndex, np.ndarray]:
    """A graph of 20,000 random vectors, and the vectors."""
    folder = tmp_path_factory.mktemp("graph")
    rows = np.random.default_rng(0).normal(size=(20_000, 16))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    np.save(folder / "vectors.npy", rows.astype(np.float16))
    vectors = MappedVectors(folder / "vectors.npy")
    write_neighbours(vectors.array, IndexKind.HNSW, folder / "n.faiss")
    return NeighbourIndex.open(folder / "n.faiss", vectors, IndexKind.HNSW, {}), vectors.array


def test_samples_know_their_neighbours_with_and_without_a_narrow_filter() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(300, 8)).astype(np.float16)
    texts = rng.normal(size=(5, 8)).astype(np.float32)
    samples = draw_samples(vectors, texts)
    allowed = samples.narrow[QueryKind.TEXT].allowed
    assert allowed is not None
    assert 0.05 < allowed.share < 0.2
    for sample, rows in ((samples.plain, np.arange(300)), (samples.narrow, allowed.rows)):
        expected = exact_neighbours(vectors, texts, 10, rows)
        np.testing.assert_array_equal(sample[QueryKind.TEXT].truth, expected)
    images = samples.plain[QueryKind.IMAGE]
    assert not (images.truth == images.itself[:, None]).any()


@pytest.mark.parametrize("quicker", ["graph", "clusters"])
def test_searches_are_left_to_the_clusters_where_these_are_quicker(
    graph: tuple[NeighbourIndex, np.ndarray], quicker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seconds(index: NeighbourIndex, *_: object) -> float:
        return 1.0 if (index.clusters is None) == (quicker == "clusters") else 2.0

    monkeypatch.setattr(recall, "_seconds", seconds)
    texts = np.random.default_rng(2).normal(size=(100, 16)).astype(np.float32)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    index, vectors = graph
    tuned = tune(index, IndexKind.HNSW, draw_samples(vectors, texts))
    for kind, effort in tuned.efforts.items():
        assert effort.candidates > 0
        assert (effort.breadth == 0) == (quicker == "clusters")
        assert tuned.recall[kind] >= 0.95
