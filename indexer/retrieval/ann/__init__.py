"""Nearest neighbours by FAISS: one class for each kind of index, its choice and its tuning."""

from __future__ import annotations

from indexer.retrieval.ann.choice import NeighbourOptions, build_neighbours
from indexer.retrieval.ann.neighbours import NeighbourIndex
from indexer.retrieval.ann.training import write_neighbours
from indexer.retrieval.ann.tuning import exact_neighbours

__all__ = [
    "NeighbourIndex",
    "NeighbourOptions",
    "build_neighbours",
    "exact_neighbours",
    "write_neighbours",
]
