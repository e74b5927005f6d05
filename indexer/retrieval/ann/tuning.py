"""Recall@10 of an index against exact search, and tuning of its efforts for it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.retrieval.ann.efforts import CLUSTER_EFFORTS, EFFORTS, alone_in_clusters
from indexer.retrieval.ann.neighbours import NeighbourIndex
from indexer.storage import Effort, IndexKind, QueryKind, RowSet

__all__ = ["RECALL_AT", "Sample", "Samples", "Tuned", "draw_samples", "exact_neighbours", "tune"]

RECALL_AT = 10

# The recall that tuning looks for. Half of the queries choose the effort, the other half give the
# figure that is recorded.
_AIM = 0.98
# The same with a narrow filter that passes rows everywhere. A filter that goes with where rows lie
# loses more: 0.971 on a colour was 0.989 on random rows.
_NARROW_AIM = 0.985
_IMAGE_QUERIES = 1000
# How much further a walk goes for images than those of the index ask for. These are nodes, whose
# links lead to their neighbours: at a million rows they found 0.98 with 24 kept in view, and other
# images 0.95 with 24, 0.97 with 36, 0.98 with 60.
_FURTHER_FOR_IMAGES = 2.5
# Share of the rows that passes the filter with which the clusters of a graph are tuned.
_NARROW_SHARE = 0.1
# Queries, and rounds over them, that tell whether a graph or its clusters are quicker.
_TIMED_QUERIES = 100
_TIMED_ROUNDS = 3
# Rows and queries compared at a time: a quarter of a gigabyte of cosines at most.
_BATCH = 32_768
_QUERIES = 2048


@dataclass(frozen=True)
class Sample:
    """Queries of one kind with their true neighbours.

    Attributes:
        queries: `[n, dim]` unit vectors.
        truth: `[n, RECALL_AT]` rows of the nearest vectors by exact search; -1 for none.
        itself: `[n]` rows that are the queries themselves and don't count; -1 for none.
        allowed: Which rows may be found; None for all.
    """

    queries: FloatArray
    truth: NDArray[np.int64]
    itself: NDArray[np.int64]
    allowed: RowSet | None = None


@dataclass(frozen=True)
class Tuned:
    """The least effort that finds enough, and its recall@10, by kind of query."""

    efforts: Mapping[QueryKind, Effort]
    recall: Mapping[QueryKind, float]


@dataclass(frozen=True)
class Samples:
    """Queries to tune and measure with, by kind of query: of all rows, and with a narrow filter."""

    plain: Mapping[QueryKind, Sample]
    narrow: Mapping[QueryKind, Sample]


def draw_samples(vectors: NDArray[np.float16], text_queries: FloatArray) -> Samples:
    """Draw queries to tune and measure with, and find their true neighbours.

    Images of the index stand for shoppers' images; an image does not count as its own neighbour.

    Args:
        vectors: `[n, dim]` unit vectors that are searched.
        text_queries: `[m, dim]` vectors of texts as shoppers may write them.
    """
    rng = np.random.default_rng(0)
    count = min(_IMAGE_QUERIES, len(vectors))
    rows = rng.choice(len(vectors), count, replace=False)
    drawn = {
        QueryKind.IMAGE: (vectors[rows].astype(np.float32), rows.astype(np.int64)),
        QueryKind.TEXT: (text_queries, np.full(len(text_queries), -1, np.int64)),
    }
    allowed = RowSet(rng.random(len(vectors)) < _NARROW_SHARE)
    return Samples(_samples(vectors, drawn, None), _samples(vectors, drawn, allowed))


def _samples(
    vectors: NDArray[np.float16],
    drawn: Mapping[QueryKind, tuple[FloatArray, NDArray[np.int64]]],
    allowed: RowSet | None,
) -> dict[QueryKind, Sample]:
    queries = np.concatenate([queries for queries, _ in drawn.values()])
    rows = None if allowed is None else allowed.rows
    nearest = exact_neighbours(vectors, queries, RECALL_AT + 1, rows)
    samples = {}
    start = 0
    for kind, (part, itself) in drawn.items():
        found = nearest[start : start + len(part)]
        start += len(part)
        truth = [_others(row, own) for row, own in zip(found, itself, strict=True)]
        neighbours = np.full((len(part), RECALL_AT), -1, np.int64)
        for place, row in enumerate(truth):
            neighbours[place, : len(row)] = row
        samples[kind] = Sample(part, neighbours, itself, allowed)
    return samples


def tune(index: NeighbourIndex, kind: IndexKind, samples: Samples) -> Tuned:
    """Find the least effort that reaches the recall, for each kind of query separately."""
    efforts, recall = {}, {}
    for query_kind, sample in samples.plain.items():
        chosen = _least(index, query_kind, sample, EFFORTS[kind])
        if kind is IndexKind.HNSW and query_kind is QueryKind.IMAGE:
            chosen = replace(chosen, breadth=int(_FURTHER_FOR_IMAGES * chosen.breadth))
        clusters = index.clusters
        if clusters is not None:
            narrow = samples.narrow[query_kind]
            chosen = _with_clusters(index, clusters, query_kind, chosen, sample, narrow)
        efforts[query_kind] = chosen
        searched = index.with_efforts({query_kind: chosen})
        recall[query_kind] = round(_recall(searched, query_kind, sample, slice(1, None, 2)), 4)
    return Tuned(efforts, recall)


def _with_clusters(
    graph: NeighbourIndex,
    clusters: NeighbourIndex,
    kind: QueryKind,
    effort: Effort,
    sample: Sample,
    narrow: Sample,
) -> Effort:
    """Add the effort of the clusters of a graph, or leave all searches to them.

    Queries that lie apart from all vectors, as texts do, get lost in a graph of many: at a million
    rows the clusters took half of its time for texts, and twice its time for images.
    """
    alone = _least(clusters, kind, sample, CLUSTER_EFFORTS)
    searched = clusters.with_efforts({kind: alone})
    reached = _recall(searched, kind, sample, slice(0, None, 2)) >= _AIM
    in_graph = graph.with_efforts({kind: effort})
    if reached and _seconds(searched, kind, sample) < _seconds(in_graph, kind, sample):
        return alone_in_clusters(alone)
    among = _least(clusters, kind, narrow, CLUSTER_EFFORTS, _NARROW_AIM)
    return replace(effort, candidates=among.candidates)


def _seconds(index: NeighbourIndex, kind: QueryKind, sample: Sample) -> float:
    """Return the processor time of some searches: the least of a few rounds."""
    taken = []
    for _ in range(_TIMED_ROUNDS):
        started = time.thread_time()
        for query in sample.queries[:_TIMED_QUERIES]:
            index.search(query, RECALL_AT, kind=kind)
        taken.append(time.thread_time() - started)
    return min(taken)


def _least(
    index: NeighbourIndex,
    kind: QueryKind,
    sample: Sample,
    efforts: Sequence[Effort],
    aim: float = _AIM,
) -> Effort:
    """Return the first effort that finds enough, or the last."""
    for effort in efforts:
        searched = index.with_efforts({kind: effort})
        if _recall(searched, kind, sample, slice(0, None, 2)) >= aim:
            break
    return effort


def _recall(index: NeighbourIndex, kind: QueryKind, sample: Sample, part: slice) -> float:
    found = wanted = 0
    rows = zip(sample.queries[part], sample.truth[part], sample.itself[part], strict=True)
    for query, truth, itself in rows:
        _, nearest = index.search(query, RECALL_AT + 1, sample.allowed, kind)
        found += len(np.intersect1d(_others(nearest, itself), truth))
        wanted += int(np.count_nonzero(truth >= 0))
    return found / wanted if wanted else 1.0


def _others(rows: NDArray[np.int64], itself: np.int64) -> NDArray[np.int64]:
    """Return the first ten rows without a query's own."""
    kept: NDArray[np.int64] = rows[rows != itself][:RECALL_AT]
    return kept


def exact_neighbours(
    vectors: NDArray[np.float16],
    queries: FloatArray,
    k: int,
    rows: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Find the nearest rows to each query by comparing it with every row.

    Args:
        vectors: `[n, dim]` unit vectors.
        queries: `[m, dim]` unit vectors.
        k: How many rows are wanted for each.
        rows: Which rows may be found; all by default.

    Returns:
        `[m, min(k, rows allowed)]`, nearest first.
    """
    rows = np.arange(len(vectors)) if rows is None else rows
    parts = [
        _nearest(vectors, queries[start : start + _QUERIES], k, rows)
        for start in range(0, len(queries), _QUERIES)
    ]
    return np.concatenate(parts) if parts else np.empty((0, min(k, len(rows))), np.int64)


def _nearest(
    vectors: NDArray[np.float16], queries: FloatArray, k: int, rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    scores = np.empty((len(queries), 0), np.float32)
    best = np.empty((len(queries), 0), np.int64)
    for start in range(0, len(rows), _BATCH):
        block = rows[start : start + _BATCH]
        here = queries @ vectors[block].astype(np.float32).T
        keep = min(k, len(block))
        top = np.argpartition(-here, keep - 1, axis=1)[:, :keep]
        scores = np.concatenate([scores, np.take_along_axis(here, top, 1)], axis=1)
        best = np.concatenate([best, block[top]], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        scores, best = np.take_along_axis(scores, order, 1), np.take_along_axis(best, order, 1)
    return best
