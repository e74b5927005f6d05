"""Choice of a segment's kind of FAISS index, by its size, the memory and the recall reached."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from embeddings import FloatArray
from indexer.retrieval.ann.neighbours import NeighbourIndex
from indexer.retrieval.ann.training import write_neighbours
from indexer.retrieval.ann.tuning import draw_samples, tune
from indexer.storage import IndexKind, NeighboursRecord, SegmentLayout, searched_vectors

__all__ = ["NeighbourOptions", "build_neighbours", "kinds_to_try"]

# Vectors up to which comparing with every one takes a few milliseconds.
_MAX_FLAT = 50_000
# Vectors up to which a graph is preferred. Clusters are quicker at the same recall
# (docs/performance.md) and take a seventh of the memory, once there are many.
_MAX_HNSW = 200_000
# Fewer vectors are too few to learn clusters and codes from.
_MIN_LEARNED = 1000

# Of a vector in a graph: 64 links of 4 bytes, and what FAISS keeps beside them.
_HNSW_LINK_BYTES = 2 * 32 * 4 + 16

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class NeighbourOptions:
    """The kind of index wanted, and its limits.

    Attributes:
        kind: None chooses by size and memory.
        memory: Bytes that a process serving the index may spend on it; by default half of the
            machine's memory.
        min_recall: Recall@10 against exact search, 0 to 1, that an index must reach for images
            and for text to be published.
    """

    kind: IndexKind | None = None
    memory: int | None = None
    min_recall: float = 0.95


def kinds_to_try(count: int, dim: int, options: NeighbourOptions) -> tuple[IndexKind, ...]:
    """Return the kinds for so many vectors: the preferred first, then those of better recall."""
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
    """Write the FAISS index over a segment's stored vectors; tune it and measure its recall.

    Args:
        layout: The segment, its vectors written.
        options: The kind wanted, and its limits.
        text_queries: Gives `[m, dim]` vectors of texts to measure with; called only if needed.

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
