"""Choice of a segment's kind of FAISS index: by size, measured time, memory and recall."""

from __future__ import annotations

import os
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.retrieval.ann.neighbours import NeighbourIndex
from indexer.retrieval.ann.searching import ask
from indexer.retrieval.ann.training import HNSW_LINKS, empty_flat, write_neighbours
from indexer.retrieval.ann.tuning import draw_samples, tune
from indexer.storage import IndexKind, NeighboursRecord, SegmentLayout, searched_vectors

__all__ = ["NeighbourOptions", "build_neighbours", "graph_bytes", "kinds_to_try"]

# Vectors up to which a search compares with every one, unless that takes too long on this machine.
_MAX_FLAT = 50_000
# Vectors up to which it does so on any machine.
_ALWAYS_FLAT = 10_000
# Seconds that a search may take which compares with every vector: far less than encoding an image.
_MAX_EXACT_SECONDS = 0.01
_TIMED_VECTORS = 8192
_TIMED_SEARCHES = 5
# Fewer vectors are too few to learn clusters and codes from.
_MIN_LEARNED = 1000

# Of a vector in a graph, beside its components: links of 4 bytes, and what FAISS keeps with them.
_LINK_BYTES = 2 * HNSW_LINKS * 4 + 16
# Of a vector in clusters, beside its codes: its row. FAISS copies both out of the mapped file.
_ROW_BYTES = 2 * 8
# Bytes of a component in a graph: a float16, and 4 bits for every 2 components in its clusters.
_COMPONENT_BYTES = 2 + 2 * 0.25
_MEMINFO = Path("/proc/meminfo")
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class NeighbourOptions:
    """The kind of index wanted, and its limits.

    Attributes:
        kind: None chooses by size and memory.
        memory: Bytes that a process serving the index may spend on it; by default half of
            what the machine or its container has, and no more than is available now.
        min_recall: Recall@10 against exact search, 0 to 1, that an index must reach for images
            and for text to be published.
    """

    kind: IndexKind | None = None
    memory: int | None = None
    min_recall: float = 0.95


def kinds_to_try(
    count: int,
    dim: int,
    options: NeighbourOptions,
    exact_seconds: Callable[[], float],
) -> tuple[IndexKind, ...]:
    """Return the kinds for so many vectors: the preferred first, then those of better recall.

    Args:
        count: How many vectors.
        dim: Their length.
        options: The kind wanted, and its limits.
        exact_seconds: Measures a search that compares with every vector; called only if needed.
    """
    if count < _MIN_LEARNED:
        return (IndexKind.FLAT,)
    if options.kind is not None:
        better = {IndexKind.FLAT: (), IndexKind.HNSW: (), IndexKind.IVFPQ: (IndexKind.HNSW,)}[
            options.kind
        ]
        return tuple(dict.fromkeys((options.kind, *better, IndexKind.FLAT)))
    if count <= _ALWAYS_FLAT or (count <= _MAX_FLAT and exact_seconds() <= _MAX_EXACT_SECONDS):
        return (IndexKind.FLAT,)
    memory = options.memory if options.memory is not None else _memory_to_spend()
    graph = count * graph_bytes(dim) <= memory
    return (IndexKind.HNSW if graph else IndexKind.IVFPQ, IndexKind.FLAT)


def graph_bytes(dim: int) -> int:
    """Return the bytes in memory of a vector of a graph, with its place in the clusters."""
    return int(dim * _COMPONENT_BYTES) + _LINK_BYTES + _ROW_BYTES


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
    kinds = kinds_to_try(count, dim, options, partial(_exact_seconds, vectors.array))
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


def _exact_seconds(vectors: NDArray[np.float16]) -> float:
    """Measure how long a search takes here that compares with all of some vectors.

    Some of them are compared, and the quickest of a few searches counts: it is the one that other
    work on the machine disturbed least.
    """
    some = np.ascontiguousarray(vectors[:_TIMED_VECTORS], dtype=np.float32)
    index = empty_flat(some.shape[1])
    index.add(some)
    quickest = min(
        timeit.repeat(lambda: ask(index, some[0], 1, None), number=1, repeat=_TIMED_SEARCHES)
    )
    return quickest * len(vectors) / len(some)


def _memory_to_spend() -> int:
    total = available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if _CONTAINER_LIMIT.exists():
        limit = _CONTAINER_LIMIT.read_text("ascii").strip()
        total = min(total, int(limit)) if limit.isdecimal() else total
    if _MEMINFO.exists():
        fields = dict(line.split(":", 1) for line in _MEMINFO.read_text("ascii").splitlines())
        available = int(fields["MemAvailable"].split()[0]) * 1024
    return min(total // 2, available)
