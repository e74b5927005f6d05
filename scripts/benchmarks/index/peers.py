"""hnswlib and usearch over the same vectors, at each of their efforts."""

from __future__ import annotations

import importlib.util
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.storage import IndexKind, QueryKind
from scripts.support.measuring import Figure, Measure, NotMeasured

__all__ = [
    "PEERS",
    "Peer",
    "Point",
    "Queries",
    "Truth",
    "at_recall",
    "curve",
    "measure_peers",
    "timed",
]

_EFFORTS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
_ROUNDS = 3
_MEGA = 10**6
# Vectors that hnswlib is given at once, since it takes float32.
_BLOCK = 65_536

Queries = Mapping[QueryKind, NDArray[np.float32]]
Truth = Mapping[QueryKind, NDArray[np.int64]]
Search = Callable[[NDArray[np.float32]], NDArray[np.int64]]


@dataclass(frozen=True)
class Point:
    """Recall@10 and milliseconds of one search at one effort."""

    recall: float
    ms: float


@dataclass(frozen=True)
class Peer:
    """A peer's index.

    Attributes:
        at: Returns its search at an effort.
        megabytes: Its size, as the peer itself gives it.
    """

    at: Callable[[int], Search]
    megabytes: float


def timed(search: Search, queries: NDArray[np.float32], truth: NDArray[np.int64]) -> Point:
    """Return recall and time of a search, the quickest of a few rounds over all queries."""
    found = [search(query) for query in queries]
    hits = sum(len(np.intersect1d(a, b)) for a, b in zip(found, truth, strict=True))
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        for query in queries:
            search(query)
        best = min(best, time.perf_counter() - started)
    return Point(hits / truth.size, 1000 * best / len(queries))


def hnswlib_index(vectors: NDArray[np.float16]) -> Peer:
    """Build the index as hnswlib's documentation does: M 16, ef_construction 200."""
    hnswlib: Any = importlib.import_module("hnswlib")
    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors), ef_construction=200, M=16)
    for start in range(0, len(vectors), _BLOCK):
        index.add_items(vectors[start : start + _BLOCK].astype(np.float32))
    index.set_num_threads(1)

    def at(effort: int) -> Search:
        index.set_ef(effort)
        return lambda query: np.asarray(index.knn_query(query, 10)[0][0], np.int64)

    return Peer(at, index.index_file_size() / _MEGA)


def usearch_index(vectors: NDArray[np.float16]) -> Peer:
    """Build the index of usearch with its defaults, over the same float16 vectors."""
    usearch: Any = importlib.import_module("usearch.index")
    index = usearch.Index(ndim=vectors.shape[1], metric="ip", dtype="f16")
    index.add(np.arange(len(vectors)), vectors)

    def at(effort: int) -> Search:
        index.expansion_search = effort
        return lambda query: np.asarray(index.search(query, 10, threads=1).keys, np.int64)

    return Peer(at, index.memory_usage / _MEGA)


PEERS: Mapping[str, Callable[[NDArray[np.float16]], Peer]] = {
    "hnswlib": hnswlib_index,
    "usearch": usearch_index,
}


def measure_peers(
    vectors: NDArray[np.float16],
    queries: Queries,
    truth: Truth,
    ours: Mapping[QueryKind, Point],
    kind: IndexKind,
) -> list[Figure]:
    """Compare our time with that of each peer at our recall; below 1 we are quicker.

    Args:
        vectors: `[n, dim]` that both search.
        queries: What for, by kind of query.
        truth: The ten nearest rows to each query.
        ours: Our recall and time.
        kind: The kind of our index, for the note beside a figure.
    """
    figures: list[Figure] = []
    for name, build in PEERS.items():
        names = {each: f"latency_vs_{name}_{each}" for each in queries}
        if importlib.util.find_spec(name) is None:
            reason = f"{name} is not installed (pip install {name})"
            figures += [NotMeasured(measure, reason) for measure in names.values()]
            continue
        peer = build(vectors)
        for query_kind, some in queries.items():
            points = curve(peer.at, some, truth[query_kind])
            ms = at_recall(points, ours[query_kind].recall)
            # Beyond the peer's best recall there is only its slowest point to compare with.
            beyond = "" if ms is not None else f"; at its best recall, {points[-1].recall:.3f}"
            note = f"{kind} against a graph of {peer.megabytes:.0f} MB{beyond}"
            ratio = ours[query_kind].ms / (ms or points[-1].ms)
            figures.append(Measure(names[query_kind], ratio, 1.0, "lower", note=note))
    return figures


def curve(
    at: Callable[[int], Search], queries: NDArray[np.float32], truth: NDArray[np.int64]
) -> list[Point]:
    """Return recall and time at every effort."""
    return [timed(at(effort), queries, truth) for effort in _EFFORTS]


def at_recall(points: list[Point], recall: float) -> float | None:
    """Return milliseconds at a recall, interpolated; None where the recall is not reached."""
    for before, after in itertools.pairwise(points):
        if before.recall < recall <= after.recall:
            part = (recall - before.recall) / (after.recall - before.recall)
            return before.ms + part * (after.ms - before.ms)
    return points[0].ms if points[0].recall >= recall else None
