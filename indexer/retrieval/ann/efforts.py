"""Search efforts of each kind of FAISS index, from small to large; tuning chooses among them."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.storage import Effort, IndexKind

__all__ = ["CLUSTER_EFFORTS", "EFFORTS", "alone_in_clusters", "effort_among_clusters"]

_HNSW_BREADTHS = (24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 384, 768)

EFFORTS: Mapping[IndexKind, tuple[Effort, ...]] = {
    IndexKind.FLAT: (Effort(0, 0),),
    IndexKind.HNSW: tuple(Effort(breadth, 0) for breadth in _HNSW_BREADTHS),
    IndexKind.IVFPQ: (
        Effort(16, 50),
        Effort(16, 100),
        Effort(24, 100),
        Effort(32, 100),
        Effort(48, 100),
        Effort(32, 200),
        Effort(48, 200),
        Effort(64, 200),
        Effort(64, 300),
        Effort(96, 300),
        Effort(96, 400),
        Effort(128, 400),
        Effort(128, 600),
        Effort(192, 800),
        Effort(384, 1600),
    ),
}
"""The efforts of a kind in the order in which tuning tries them."""

CLUSTER_EFFORTS = (
    Effort(16, 150),
    Effort(20, 200),
    Effort(24, 250),
    Effort(32, 300),
    Effort(32, 600),
    Effort(64, 800),
    Effort(128, 1200),
    Effort(384, 1600),
)
"""The efforts of a graph's clusters, which differ in their candidates: these are recorded.

Ranking a row again is cheap where the graph holds its vector in memory: it takes fewer clusters."""


def alone_in_clusters(effort: Effort) -> Effort:
    """Return how it is recorded that no search walks the graph: as a breadth of 0."""
    return Effort(0, effort.candidates)


def effort_among_clusters(effort: Effort) -> Effort:
    """Return the effort of a filtered search that goes through the clusters of a graph.

    Args:
        effort: That of the graph: its breadth, and the candidates of a search in the clusters.
    """
    return next(
        (each for each in CLUSTER_EFFORTS if each.candidates >= effort.candidates),
        CLUSTER_EFFORTS[-1],
    )
