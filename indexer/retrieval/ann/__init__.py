"""Nearest neighbours by FAISS: one class for each kind of index, its choice and its tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from indexer.retrieval.ann.choice import NeighbourOptions, build_neighbours
    from indexer.retrieval.ann.neighbours import NeighbourIndex
    from indexer.retrieval.ann.training import write_neighbours
    from indexer.retrieval.ann.tuning import exact_neighbours
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "indexer.retrieval.ann.choice": (
                "NeighbourOptions",
                "build_neighbours",
            ),
            "indexer.retrieval.ann.neighbours": ("NeighbourIndex",),
            "indexer.retrieval.ann.training": ("write_neighbours",),
            "indexer.retrieval.ann.tuning": ("exact_neighbours",),
        },
    )

__all__ = [
    "NeighbourIndex",
    "NeighbourOptions",
    "build_neighbours",
    "exact_neighbours",
    "write_neighbours",
]
