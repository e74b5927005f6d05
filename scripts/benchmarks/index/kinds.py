"""Recall, time and memory of every kind of FAISS index over the same products."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from indexer.index import Index, Segment
from indexer.storage import IndexKind
from scripts.benchmarks.index import measures
from scripts.benchmarks.index.peers import Queries
from scripts.support.measuring import Measure
from scripts.support.memory import resident

__all__ = ["compare_kinds"]

_MEGA = 10**6


def compare_kinds(folders: Mapping[IndexKind, Path], queries: Queries) -> list[Measure]:
    """Search indexes of the same products, one of each kind; must run in a fresh process."""
    found: list[Measure] = []
    segments: dict[IndexKind, Segment] = {}
    # Memory first: exact search, for the truth, maps all vectors.
    for kind, folder in folders.items():
        before = resident()
        segments[kind] = Index.open(folder).segments[0]
        for query_kind, vectors in queries.items():
            for vector in vectors:
                segments[kind].neighbours.search(vector, 10, None, query_kind)
        name = f"kind_{kind}_megabytes"
        found.append(Measure(name, (resident() - before) / _MEGA, None, "lower"))
    truth = measures.truth_of(segments[IndexKind.FLAT], queries)
    for kind, segment in segments.items():
        for query_kind, point in measures.searching(segment, queries, truth).items():
            name = f"kind_{kind}_{query_kind}"
            found.append(Measure(f"{name}_recall", point.recall))
            found.append(Measure(f"{name}_ms", point.ms, None, "lower"))
    return found
