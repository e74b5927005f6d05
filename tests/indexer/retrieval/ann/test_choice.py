"""The kind of index that a segment gets, and what is recorded of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer.retrieval import NeighbourIndex, NeighbourOptions, build_neighbours
from indexer.retrieval.ann.choice import kinds_to_try
from indexer.retrieval.ann.efforts import EFFORTS
from indexer.storage import (
    TUNED_KINDS,
    IndexKind,
    NeighboursRecord,
    QueryKind,
    SegmentLayout,
    searched_vectors,
)

FLAT, HNSW, IVFPQ = IndexKind.FLAT, IndexKind.HNSW, IndexKind.IVFPQ
GIB = 1 << 30


@pytest.mark.parametrize(
    ("count", "options", "kinds"),
    [
        (999, NeighbourOptions(kind=IVFPQ), (FLAT,)),
        (50_000, NeighbourOptions(memory=GIB), (FLAT,)),
        (50_001, NeighbourOptions(memory=GIB), (HNSW, FLAT)),
        (200_000, NeighbourOptions(memory=GIB), (HNSW, FLAT)),
        (200_001, NeighbourOptions(memory=GIB), (IVFPQ, HNSW, FLAT)),
        (100_000, NeighbourOptions(memory=GIB // 32), (IVFPQ, FLAT)),
        (10_000_000, NeighbourOptions(memory=GIB), (IVFPQ, FLAT)),
        (1000, NeighbourOptions(kind=FLAT), (FLAT,)),
        (1000, NeighbourOptions(kind=HNSW), (HNSW, FLAT)),
        (1000, NeighbourOptions(kind=IVFPQ), (IVFPQ, HNSW, FLAT)),
    ],
)
def test_kinds_go_by_size_and_memory(
    count: int, options: NeighbourOptions, kinds: tuple[IndexKind, ...]
) -> None:
    assert kinds_to_try(count, 512, options) == kinds


@pytest.fixture
def layout(tmp_path: Path) -> SegmentLayout:
    """A segment of 1500 clustered vectors."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(20, 16))
    rows = centres[rng.integers(0, 20, 1500)] + 0.5 * rng.normal(size=(1500, 16))
    layout = SegmentLayout(tmp_path)
    np.save(layout.vectors, (rows / np.linalg.norm(rows, axis=1)[:, None]).astype(np.float16))
    return layout


def some_texts() -> np.ndarray:
    rows = np.random.default_rng(1).normal(size=(40, 16))
    return (rows / np.linalg.norm(rows, axis=1)[:, None]).astype(np.float32)


@pytest.mark.parametrize("kind", [HNSW, IVFPQ])
def test_the_efforts_are_the_least_that_find_enough(layout: SegmentLayout, kind: IndexKind) -> None:
    record = build_neighbours(layout, NeighbourOptions(kind=kind, min_recall=0.9), some_texts)
    assert record.kind is kind
    assert set(record.efforts) == set(record.recall) == set(TUNED_KINDS)
    for query_kind in TUNED_KINDS:
        assert record.efforts[query_kind] in EFFORTS[kind]
        assert 0.9 <= record.recall[query_kind] <= 1
    vectors = searched_vectors(layout)
    index = NeighbourIndex.open(layout.neighbours, vectors, kind, record.efforts)
    _, rows = index.search(vectors.take(np.array([7]))[0], 1, kind=QueryKind.IMAGE)
    assert rows.tolist() == [7]


def test_a_recall_out_of_reach_gives_a_flat_index(layout: SegmentLayout) -> None:
    options = NeighbourOptions(kind=IVFPQ, min_recall=1.1)
    assert build_neighbours(layout, options, some_texts) == NeighboursRecord()
    vectors = searched_vectors(layout)
    index = NeighbourIndex.open(layout.neighbours, vectors, FLAT, {})
    assert (index.count, index.dim) == (1500, 16)


def test_a_flat_index_needs_no_texts(layout: SegmentLayout) -> None:
    def unwanted() -> np.ndarray:
        raise AssertionError("texts are embedded for nothing")

    assert build_neighbours(layout, NeighbourOptions(), unwanted) == NeighboursRecord()
