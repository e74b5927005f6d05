"""Comparison of the kinds of index, on indexes of a thousand products."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embeddings import FakeEncoder
from indexer.index import Index
from indexer.retrieval import NeighbourOptions, exact_neighbours
from indexer.storage import IndexKind, QueryKind
from scripts.benchmarks.index.folder import write_index
from scripts.benchmarks.index.kinds import compare_kinds
from scripts.benchmarks.index.vectors import Vectors

DIM = 32


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    """Random vectors: images, and as many queries as the benchmark draws."""

    def some(count: int, seed: int) -> np.ndarray:
        rows = np.random.default_rng(seed).normal(size=(count, DIM)).astype(np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    images = some(600, 0)
    near = exact_neighbours(images.astype(np.float16), images, 9)[:, 1:]
    return Vectors(images, near, some(20, 1), some(540, 2))


def test_every_kind_has_its_recall_time_and_memory(vectors: Vectors, tmp_path: Path) -> None:
    spec = replace(FakeEncoder().spec, dim=DIM)
    folders = {kind: tmp_path / kind for kind in IndexKind}
    for kind, folder in folders.items():
        write_index(folder, vectors, spec, 1200, NeighbourOptions(kind, min_recall=0))
        assert Index.open(folder).manifest.segments[0].neighbours.kind is kind
    queries = {
        QueryKind.IMAGE: vectors.image_queries,
        QueryKind.TEXT: vectors.text_queries[:20],
    }
    found = {measure.name: measure.value for measure in compare_kinds(folders, queries)}
    assert set(found) == {
        f"kind_{kind}_{what}"
        for kind in IndexKind
        for what in ("megabytes", "image_recall", "image_ms", "text_recall", "text_ms")
    }
    assert found["kind_flat_image_recall"] == found["kind_flat_text_recall"] == 1
    assert found["kind_hnsw_image_recall"] > 0.9
