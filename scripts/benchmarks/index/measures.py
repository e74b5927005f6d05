"""Measures of an opened index: recall, time, filters, predicates and publishing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings import FakeEncoder
from indexer.index import Index, Segment
from indexer.retrieval import exact_neighbours, parse_filter
from indexer.search import Engine
from indexer.storage import Layout, QueryKind, RowSet, live_generation
from scripts.benchmarks.index.folder import add_segment
from scripts.benchmarks.index.peers import Point, Queries, Truth, timed
from scripts.benchmarks.index.vectors import Vectors
from scripts.support.measuring import Measure

__all__ = [
    "filtered",
    "predicates",
    "publishing",
    "queries_of",
    "searching",
    "truth_of",
]

_QUERIES = 500
_FILTER_QUERIES = 200
# Seconds between two looks for a new generation, as the server has it.
_REFRESH = 0.5


def queries_of(vectors: Vectors) -> Queries:
    """Return held-back images, and titles that the index was not tuned with."""
    return {
        QueryKind.IMAGE: vectors.image_queries[:_QUERIES],
        QueryKind.TEXT: vectors.text_queries[:_QUERIES],
    }


def truth_of(segment: Segment, queries: Queries) -> Truth:
    """Return the ten nearest rows to every query, by kind of query."""
    return {kind: exact_neighbours(segment.vectors, some, 10) for kind, some in queries.items()}


def searching(segment: Segment, queries: Queries, truth: Truth) -> dict[QueryKind, Point]:
    """Return recall and time of plain searches, by kind of query."""
    return {
        kind: timed(_searcher(segment, kind), some, truth[kind]) for kind, some in queries.items()
    }


def filtered(segment: Segment, queries: Queries, ours: Mapping[QueryKind, Point]) -> list[Measure]:
    """Compare filtered searches with unfiltered ones: recall, and times as long."""
    shares = segment.field_table["share"].to_numpy()
    colours = segment.field_table["colour"].to_numpy(zero_copy_only=False)
    masks = {f"{percent}pct": shares < 10 * percent for percent in (1, 10, 50)}
    masks["colour"] = colours == "Red"
    measures = []
    for name, mask in masks.items():
        allowed = RowSet(mask)
        for kind, vectors in queries.items():
            part = vectors[:_FILTER_QUERIES]
            truth = exact_neighbours(segment.vectors, part, 10, allowed.rows)
            point = timed(_searcher(segment, kind, allowed), part, truth)
            label = f"filter_{name}_{kind}"
            measures.append(Measure(f"{label}_recall", point.recall, 0.97))
            measures.append(Measure(f"{label}_latency", point.ms / ours[kind].ms, 3.0, "lower"))
    return measures


def predicates(index: Index) -> list[Measure]:
    """Measure milliseconds from a predicate to a mask over a million rows, and a Python loop."""
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
        ms = 1000 * _quickest(partial(segment.products_where, where))
        measures.append(Measure(f"predicate_{name}_ms_a_million", ms * 1e6 / rows, 10.0, "lower"))
    colours = segment.field_table["colour"].to_pylist()
    loop = 1000 * _quickest(lambda: [colour == "Red" for colour in colours])
    where = parse_filter(raw["equals"], index.manifest.fields)
    ours = 1000 * _quickest(partial(segment.products_where, where))
    measures.append(Measure("predicate_times_quicker_than_a_loop", loop / ours, 20.0))
    return measures


def publishing(folder: Path, encoder: FakeEncoder, vectors: Vectors) -> list[Measure]:
    """Measure seconds from publication until a reader answers from it, while others search."""
    engine = Engine.open(folder, encoder)
    stop = threading.Event()
    failed: list[BaseException] = []
    moved: dict[int, float] = {}

    def refresh() -> None:
        while not stop.wait(_REFRESH):
            if engine.refresh():
                moved[engine.index.manifest.generation] = time.monotonic()

    def search() -> None:
        query = vectors.image_queries[0]
        while not stop.is_set():
            try:
                engine.index.search(query, 10)
            except Exception as error:  # noqa: BLE001, any failure counts
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
    """Publish a thousand products; return seconds until the reader notes them in `moved`."""
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
