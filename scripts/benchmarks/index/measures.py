"""What `scripts/benchmark_index.py` measures of an opened index."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings import FakeEncoder
from indexer.index import Index, Segment
from indexer.retrieval import exact_neighbours, parse_filter
from indexer.search import Engine
from indexer.storage import Layout, QueryKind, RowSet, live_generation
from scripts.benchmarks.index.folder import add_segment
from scripts.benchmarks.index.peers import PEERS, Point, at_recall, curve, timed
from scripts.benchmarks.index.vectors import Vectors
from scripts.support.measuring import Measure

__all__ = [
    "Queries",
    "Truth",
    "filtered",
    "peers",
    "predicates",
    "publishing",
    "queries_of",
    "searching",
    "truth_of",
]

_QUERIES = 500
_FILTER_QUERIES = 200
# What the server does (the server) between two looks for a new generation, in seconds.
_REFRESH = 0.5

Queries = dict[QueryKind, NDArray[np.float32]]
Truth = dict[QueryKind, NDArray[np.int64]]


def queries_of(vectors: Vectors) -> Queries:
    """Pictures held back, and titles that the index was not tuned with."""
    return {
        QueryKind.IMAGE: vectors.picture_queries[:_QUERIES],
        QueryKind.TEXT: vectors.text_queries[:_QUERIES],
    }


def truth_of(segment: Segment, queries: Queries) -> Truth:
    """The ten nearest rows to every query, by kind of query."""
    return {kind: exact_neighbours(segment.vectors, asked, 10) for kind, asked in queries.items()}


def searching(segment: Segment, queries: Queries, truth: Truth) -> dict[QueryKind, Point]:
    """Recall and time of plain searches, by kind of query."""
    return {
        kind: timed(_searcher(segment, kind), asked, truth[kind]) for kind, asked in queries.items()
    }


def peers(
    segment: Segment, queries: Queries, truth: Truth, ours: dict[QueryKind, Point]
) -> list[Measure]:
    """Our time against that of each peer at our recall; below 1 we are quicker."""
    measures = []
    for name, build in PEERS.items():
        try:
            at = build(segment.vectors)
        except ImportError:
            reason = f"{name} is not installed"
            measures += [
                Measure(f"latency_vs_{name}_{kind}", None, 1.0, "lower", reason) for kind in queries
            ]
            continue
        for kind, asked in queries.items():
            points = curve(at, asked, truth[kind])
            ms = at_recall(points, ours[kind].recall)
            # Beyond the peer's best recall there is only its slowest point to compare with.
            reason = None if ms is not None else f"at its best recall, {points[-1].recall:.3f}"
            ratio = ours[kind].ms / (ms or points[-1].ms)
            measures.append(Measure(f"latency_vs_{name}_{kind}", ratio, 1.0, "lower", reason))
    return measures


def filtered(segment: Segment, queries: Queries, ours: dict[QueryKind, Point]) -> list[Measure]:
    """Filtered searches against unfiltered ones: recall, and times as long."""
    shares = segment.field_table["share"].to_numpy()
    colours = segment.field_table["colour"].to_numpy(zero_copy_only=False)
    masks = {f"{percent}pct": shares < 10 * percent for percent in (1, 10, 50)}
    masks["colour"] = colours == "Red"
    measures = []
    for name, mask in masks.items():
        allowed = RowSet(mask)
        for kind, asked in queries.items():
            part = asked[:_FILTER_QUERIES]
            truth = exact_neighbours(segment.vectors, part, 10, allowed.rows)
            point = timed(_searcher(segment, kind, allowed), part, truth)
            label = f"filter_{name}_{kind}"
            measures.append(Measure(f"{label}_recall", point.recall, 0.97))
            measures.append(Measure(f"{label}_latency", point.ms / ours[kind].ms, 3.0, "lower"))
    return measures


def predicates(index: Index) -> list[Measure]:
    """Milliseconds from a predicate to a mask over a million rows, against a Python loop."""
    segment = index.segments[0]
    rows = segment.record.products
    raw = {
        "equals": {"colour": "Red"},
        "in": {"colour": ["Red", "Pink", "Navy Blue"]},
        "range": {"price": {"gte": 50, "lt": 120}},
        "and": {"colour": "Red", "price": {"gte": 50}},
        "prefix": {"colour": {"prefix": "B"}},
    }
    measures = []
    for name, conditions in raw.items():
        where = parse_filter(conditions, index.manifest.fields)
        ms = 1000 * _quickest(lambda where=where: segment.products_where(where))
        measures.append(Measure(f"predicate_{name}_ms_a_million", ms * 1e6 / rows, 10.0, "lower"))
    colours = segment.field_table["colour"].to_pylist()
    loop = 1000 * _quickest(lambda: [colour == "Red" for colour in colours])
    where = parse_filter(raw["equals"], index.manifest.fields)
    ours = 1000 * _quickest(lambda: segment.products_where(where))
    measures.append(Measure("predicate_times_quicker_than_a_loop", loop / ours, 20.0))
    return measures


def publishing(folder: Path, encoder: FakeEncoder, vectors: Vectors) -> list[Measure]:
    """Seconds from publication until a reader answers from the new generation, under load."""
    engine = Engine.open(folder, encoder)
    stop = threading.Event()
    failed: list[BaseException] = []
    moved: dict[int, float] = {}

    def refresh() -> None:
        while not stop.wait(_REFRESH):
            if engine.refresh():
                moved[engine.index.manifest.generation] = time.monotonic()

    def search() -> None:
        query = vectors.picture_queries[0]
        while not stop.is_set():
            try:
                engine.index.search(query, 10)
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=refresh), threading.Thread(target=search)]
    for thread in threads:
        thread.start()
    waits = [_publish_one(folder, encoder, vectors, number, moved) for number in range(3)]
    stop.set()
    for thread in threads:
        thread.join()
    return [
        Measure("publish_to_reader_seconds", max(waits), 1.0, "lower"),
        Measure("publish_failed_queries", len(failed), 0, "lower"),
    ]


def _publish_one(
    folder: Path, encoder: FakeEncoder, vectors: Vectors, number: int, moved: dict[int, float]
) -> float:
    """Publish a thousand products; seconds until the reader has them, which it notes in `moved`."""
    add_segment(folder, vectors, encoder.spec, 1000, prefix=f"new{number}-")
    published = time.monotonic()
    generation = live_generation(Layout(folder))
    while generation not in moved and time.monotonic() < published + 60:
        time.sleep(0.01)
    return moved.get(generation, float("inf")) - published


def _searcher(
    segment: Segment, kind: QueryKind, allowed: RowSet | None = None
) -> Callable[[NDArray[np.float32]], NDArray[np.int64]]:
    return lambda query: segment.neighbours.search(query, 10, allowed, kind)[1]


def _quickest(call: Callable[[], object], repeats: int = 5) -> float:
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - started)
    return best
