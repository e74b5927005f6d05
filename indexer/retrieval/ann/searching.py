"""What the kinds of search share: the protocol, one FAISS call, and re-ranking by exact cosines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.storage import Effort, RowSet

__all__ = [
    "TIE_MARGIN",
    "Rows",
    "Searcher",
    "Vectors",
    "ask",
    "nearest_first",
    "rerank",
    "row_selector",
]

Rows = NDArray[np.int64]

TIE_MARGIN = 8
"""How many more neighbours are fetched than wanted, to see whether the last place is tied."""

# Decimals to which cosines are told apart; float16 components are good for fewer.
_DECIMALS = 6


class Searcher(Protocol):
    """Search in a FAISS index of one kind."""

    def search(
        self, query: FloatArray, k: int, allowed: RowSet | None, effort: Effort
    ) -> tuple[FloatArray, Rows]:
        """Return the k nearest rows to one unit vector.

        Args:
            query: `[dim]`.
            k: How many rows, from 1; at least as many may be found.
            allowed: Which rows may be found; all by default.
            effort: How hard to look.

        Returns:
            Cosines and row numbers, both `[k]`, nearest first; rows of equal cosine in row order.
        """


class Vectors(Protocol):
    """Unit vectors by row."""

    def take(self, rows: Rows) -> FloatArray:
        """Return some rows, `[len(rows), dim]`."""


def ask(
    index: faiss.Index, query: FloatArray, k: int, params: faiss.SearchParameters | None
) -> tuple[FloatArray, Rows]:
    """Return what FAISS finds for one query: at most k rows, nearest first by its own scores.

    FAISS is called past its Python wrapper, whose checks and copies took a quarter of the time of a
    search in a graph.

    Raises:
        ValueError: The query is not a vector of the index's dimension.
    """
    query = np.ascontiguousarray(query, np.float32)
    if query.shape != (index.d,):
        raise ValueError(f"a query of shape {query.shape} for vectors of {index.d} components")
    scores, rows = np.empty(k, np.float32), np.empty(k, np.int64)
    with _one_thread():
        index.search_c(
            1, faiss.swig_ptr(query), k, faiss.swig_ptr(scores), faiss.swig_ptr(rows), params
        )
    found = rows >= 0
    return scores[found], rows[found]


def nearest_first(scores: FloatArray, rows: Rows, k: int) -> tuple[FloatArray, Rows]:
    """Return the k rows of the highest scores, nearest first, equal ones in row order."""
    order = np.lexsort((rows, -scores))[:k]
    return scores[order], rows[order]


def rerank(vectors: Vectors, query: FloatArray, rows: Rows, k: int) -> tuple[FloatArray, Rows]:
    """Return the k nearest of some rows by their stored vectors, with their cosines."""
    rows = np.sort(rows)
    scores = np.round(vectors.take(rows) @ query, _DECIMALS)
    order = np.argsort(-scores, kind="stable")[:k]
    return scores[order], rows[order]


def row_selector(allowed: RowSet) -> faiss.IDSelector:
    """Return FAISS's form of a set of rows; valid as long as `allowed`, which holds the bits."""
    bits = allowed.bits
    return faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Run FAISS single-threaded: a second OpenMP thread pool slows the encoder.

    After one search with a pool of threads, `compact` took 15.2 ms for an image instead of 5.9, on
    two cores (`embeddings.clip`). A single query gains nothing from more threads.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
