"""The kind of index that a segment gets, and what is recorded of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer.retrieval import (
    NeighbourIndex,
    NeighbourOptions,
    build_neighbours,
    write_neighbours,
)
from indexer.retrieval.ann import choice
from indexer.retrieval.ann.choice import graph_bytes, kinds_to_try
from indexer.retrieval.ann.efforts import CLUSTER_EFFORTS, EFFORTS
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
        (600_000, NeighbourOptions(memory=GIB), (HNSW, FLAT)),
        (800_000, NeighbourOptions(memory=GIB), (IVFPQ, FLAT)),
        (100_000, NeighbourOptions(memory=GIB // 32), (IVFPQ, FLAT)),
        (10_000_000, NeighbourOptions(memory=GIB), (IVFPQ, FLAT)),
        (10_000_000, NeighbourOptions(memory=16 * GIB), (HNSW, FLAT)),
        (1000, NeighbourOptions(kind=FLAT), (FLAT,)),
        (1000, NeighbourOptions(kind=HNSW), (HNSW, FLAT)),
        (1000, NeighbourOptions(kind=IVFPQ), (IVFPQ, HNSW, FLAT)),
    ],
)
def test_kinds_go_by_size_and_memory(
    count: int, options: NeighbourOptions, kinds: tuple[IndexKind, ...]
) -> None:
    assert kinds_to_try(count, 512, options, lambda: 0.001) == kinds


@pytest.mark.parametrize(
    ("count", "seconds", "kinds"),
    [
        (10_000, 0.1, (FLAT,)),
        (10_001, 0.1, (HNSW, FLAT)),
        (10_001, 0.01, (FLAT,)),
        (50_000, 0.011, (HNSW, FLAT)),
        (50_001, 0.001, (HNSW, FLAT)),
    ],
)
def test_exact_search_is_kept_where_it_is_quick_here(
    count: int, seconds: float, kinds: tuple[IndexKind, ...]
) -> None:
    options = NeighbourOptions(memory=GIB)
    assert kinds_to_try(count, 512, options, lambda: seconds) == kinds


def test_a_small_index_is_flat_without_being_timed() -> None:
    def unwanted() -> float:
        raise AssertionError("an exact search is timed for nothing")

    assert kinds_to_try(10_000, 512, NeighbourOptions(), unwanted) == (FLAT,)
    assert kinds_to_try(20_000, 512, NeighbourOptions(kind=HNSW), unwanted) == (HNSW, FLAT)


@pytest.mark.parametrize(
    ("limit", "available_kib", "kind"),
    [
        ("max", 1 << 40, HNSW),
        ("1000000", 1 << 40, IVFPQ),
        ("max", 1000, IVFPQ),
        (None, None, HNSW),
    ],
)
def test_a_graph_must_fit_into_the_memory_of_the_container_that_is_available(
    limit: str | None,
    available_kib: int | None,
    kind: IndexKind,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits, meminfo = tmp_path / "memory.max", tmp_path / "meminfo"
    if limit is not None:
        limits.write_text(f"{limit}\n")
    if available_kib is not None:
        meminfo.write_text(f"MemTotal: 1 kB\nMemAvailable:   {available_kib} kB\n")
    monkeypatch.setattr(choice, "_CONTAINER_LIMIT", limits)
    monkeypatch.setattr(choice, "_MEMINFO", meminfo)
    assert kinds_to_try(60_000, 64, NeighbourOptions(), lambda: 0.001) == (kind, FLAT)


def test_a_vector_of_a_graph_takes_what_its_file_holds_and_a_copy_of_its_codes(
    layout: SegmentLayout,
) -> None:
    write_neighbours(searched_vectors(layout).array, HNSW, layout.neighbours)
    size = layout.neighbours.stat().st_size / 1500
    # FAISS copies the part of the clusters.
    assert size < graph_bytes(16) < 1.15 * size


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
        effort = record.efforts[query_kind]
        if kind is HNSW:
            assert effort.breadth or effort.candidates
            assert effort.candidates in {each.candidates for each in CLUSTER_EFFORTS}
        else:
            assert effort in EFFORTS[kind]
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


def test_an_exact_search_is_timed_on_the_vectors_themselves(
    layout: SegmentLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "_ALWAYS_FLAT", 1000)
    assert build_neighbours(layout, NeighbourOptions(), some_texts).kind is FLAT
    monkeypatch.setattr(choice, "_MAX_EXACT_SECONDS", 0.0)
    options = NeighbourOptions(min_recall=0.9)
    assert build_neighbours(layout, options, some_texts).kind is HNSW


def test_a_flat_index_needs_no_texts(layout: SegmentLayout) -> None:
    def unwanted() -> np.ndarray:
        raise AssertionError("texts are embedded for nothing")

    assert build_neighbours(layout, NeighbourOptions(), unwanted) == NeighboursRecord()
