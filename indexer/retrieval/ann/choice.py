"""Choosing the kind of a segment's FAISS index by its size and the memory there is."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from embeddings import FloatArray
from indexer.retrieval.ann.neighbours import NeighbourIndex, write_neighbours
from indexer.retrieval.ann.tuning import draw_samples, tune
from indexer.storage import IndexKind, NeighboursRecord, SegmentLayout, searched_vectors

__all__ = ["NeighbourOptions", "build_neighbours", "kinds_to_try"]

# Up to here comparing with every vector takes a few milliseconds.
_MAX_FLAT = 50_000
# Clusters are quicker than a graph at the same recall (docs/performance.md) and take a seventh of
# its memory; a graph is there for what lies between.
_MAX_HNSW = 200_000
# Too few to learn clusters and codes from.
_MIN_LEARNED = 1000

_HNSW_LINK_BYTES = 2 * 32 * 4 + 16
_ID_BYTES = 8

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class NeighbourOptions:
    """What kind of index is wanted.

    Attributes:
        kind: None chooses by size and memory.
        memory: Bytes that a process serving the index may spend on it; by default half of the
            machine's memory.
        min_recall: Recall@10 against exact search, 0 to 1, that an index must reach for pictures
            and for words to be published.
    """

    kind: IndexKind | None = None
    memory: int | None = None
    min_recall: float = 0.95


def kinds_to_try(count: int, dim: int, options: NeighbourOptions) -> tuple[IndexKind, ...]:
    """The kinds for so many vectors, the preferred first, then those of better recall."""
    if count < _MIN_LEARNED:
        return (IndexKind.FLAT,)
    if options.kind is not None:
        better = {IndexKind.FLAT: (), IndexKind.HNSW: (), IndexKind.IVFPQ: (IndexKind.HNSW,)}[
            options.kind
        ]
        return tuple(dict.fromkeys((options.kind, *better, IndexKind.FLAT)))
    if count <= _MAX_FLAT:
        return (IndexKind.FLAT,)
    memory = options.memory if options.memory is not None else _machine_memory() // 2
    graph = count * (dim + _HNSW_LINK_BYTES) <= memory
    preferred = IndexKind.HNSW if graph and count <= _MAX_HNSW else IndexKind.IVFPQ
    following = (IndexKind.HNSW,) if graph and preferred is IndexKind.IVFPQ else ()
    return (preferred, *following, IndexKind.FLAT)


def build_neighbours(
    layout: SegmentLayout,
    options: NeighbourOptions,
    text_queries: Callable[[], FloatArray],
) -> NeighboursRecord:
    """Write the FAISS index over a segment's stored vectors, tuned and measured.

    Args:
        layout: The segment, its vectors written.
        options: What is wanted.
        text_queries: Gives `[m, dim]` vectors of words to measure with; called only if needed.

    Raises:
        OSError: It can't be written.
    """
    vectors = searched_vectors(layout)
    count, dim = vectors.array.shape
    kinds = kinds_to_try(count, dim, options)
    if kinds[0] is not IndexKind.FLAT:
        samples = draw_samples(vectors.array, text_queries())
        for kind in kinds:
            if kind is IndexKind.FLAT:
                break
            write_neighbours(vectors.array, kind, layout.neighbours)
            tuned = tune(NeighbourIndex.open(layout.neighbours, vectors, kind, {}), kind, samples)
            if min(tuned.recall.values()) >= options.min_recall:
                return NeighboursRecord(kind, tuned.efforts, tuned.recall)
            found = {str(query): share for query, share in tuned.recall.items()}
            _log.warning("index kind misses the wanted recall", kind=str(kind), **found)
    write_neighbours(vectors.array, IndexKind.FLAT, layout.neighbours)
    return NeighboursRecord()


def _machine_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
