"""hnswlib and usearch over the same vectors, swept over their efforts."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PEERS", "Point", "at_recall", "curve"]

_EFFORTS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
_ROUNDS = 3

Search = Callable[[NDArray[np.float32]], NDArray[np.int64]]


@dataclass(frozen=True)
class Point:
    """Recall@10 and milliseconds of one search at one effort."""

    recall: float
    ms: float


def timed(search: Search, queries: NDArray[np.float32], truth: NDArray[np.int64]) -> Point:
    """Recall and time of a search, the quickest of a few rounds over all queries."""
    found = [search(query) for query in queries]
    hits = sum(len(np.intersect1d(a, b)) for a, b in zip(found, truth, strict=True))
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        for query in queries:
            search(query)
        best = min(best, time.perf_counter() - started)
    return Point(hits / truth.size, 1000 * best / len(queries))


def hnswlib_index(vectors: NDArray[np.float16]) -> Callable[[int], Search]:
    """The index of hnswlib as its documentation makes it: M 16, ef_construction 200."""
    import hnswlib

    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors), ef_construction=200, M=16)
    for start in range(0, len(vectors), 65_536):
        index.add_items(vectors[start : start + 65_536].astype(np.float32))
    index.set_num_threads(1)

    def at(effort: int) -> Search:
        index.set_ef(effort)
        return lambda query: index.knn_query(query, 10)[0][0]

    return at


def usearch_index(vectors: NDArray[np.float16]) -> Callable[[int], Search]:
    """The index of usearch with its defaults, over the same float16 vectors."""
    from usearch.index import Index

    index = Index(ndim=vectors.shape[1], metric="ip", dtype="f16")
    index.add(np.arange(len(vectors)), vectors)

    def at(effort: int) -> Search:
        index.expansion_search = effort
        return lambda query: index.search(query, 10, threads=1).keys

    return at


PEERS: Mapping[str, Callable[[NDArray[np.float16]], Callable[[int], Search]]] = {
    "hnswlib": hnswlib_index,
    "usearch": usearch_index,
}


def curve(
    at: Callable[[int], Search], queries: NDArray[np.float32], truth: NDArray[np.int64]
) -> list[Point]:
    """Recall and time over all efforts."""
    return [timed(at(effort), queries, truth) for effort in _EFFORTS]


def at_recall(points: list[Point], recall: float) -> float | None:
    """Milliseconds at a recall, between the measured points; None where it was not reached."""
    for before, after in itertools.pairwise(points):
        if before.recall < recall <= after.recall:
            part = (recall - before.recall) / (after.recall - before.recall)
            return before.ms + part * (after.ms - before.ms)
    if points[0].recall >= recall:
        return points[0].ms
    return None
