"""HNSW search in a graph without clusters: of few vectors, or written by version 0.2.

The graphs of version 0.2 hold vectors of 8-bit components.
"""

from __future__ import annotations

from typing import Any

import faiss

from embeddings import FloatArray
from indexer.retrieval.ann.searching import Rows, Vectors, ask, rerank, row_selector
from indexer.storage import Effort, RowSet

__all__ = ["HnswAloneSearcher"]

# Candidates ranked again for each hit wanted, at least.
_CANDIDATES_PER_HIT = 4
# Where less than this share of the rows around a query passes a filter, the graph is not walked;
# its vectors are compared one after another instead, which is surer and no slower then.
_SCAN_SHARE = 0.15
# A walk that keeps more than one in so many rows in view costs more than comparing with all.
_ROWS_PER_NODE = 20


class HnswAloneSearcher:
    """Approximate search over a graph of coded vectors, ranked again by the stored vectors.

    Args:
        index: The FAISS index.
        vectors: What it was made from.
    """

    def __init__(self, index: faiss.Index, vectors: Vectors) -> None:
        self._index = index
        self._vectors = vectors
        self._storage = faiss.downcast_index(index.storage)

    def search(
        self, query: FloatArray, k: int, allowed: RowSet | None, effort: Effort
    ) -> tuple[FloatArray, Rows]:
        """Return nearly the k nearest rows; see `Searcher`."""
        candidates = max(effort.candidates, _CANDIDATES_PER_HIT * k)
        breadth = max(effort.breadth, candidates)
        share = 1.0
        if allowed is not None:
            # The share that passes overall says little of the share that passes near the query.
            _, around = self._walk(query, breadth, None, breadth)
            share = float(allowed.mask[around].mean())
        # The walk skips rows that don't pass the filter.
        if share >= _SCAN_SHARE and breadth / share < self._index.ntotal // _ROWS_PER_NODE:
            _, rows = self._walk(query, candidates, allowed, int(breadth / share))
            if len(rows) >= k:
                return rerank(self._vectors, query, rows, k)
        return rerank(self._vectors, query, self._scan(query, candidates, allowed), k)

    def _walk(
        self, query: FloatArray, k: int, allowed: RowSet | None, breadth: int
    ) -> tuple[FloatArray, Rows]:
        params = faiss.SearchParametersHNSW(efSearch=max(breadth, k), **_selection(allowed))
        return ask(self._index, query, k, params)

    def _scan(self, query: FloatArray, k: int, allowed: RowSet | None) -> Rows:
        """Return the k nearest rows by the coded vectors, compared one after another."""
        params = None if allowed is None else faiss.SearchParameters(**_selection(allowed))
        return ask(self._storage, query, k, params)[1]


def _selection(allowed: RowSet | None) -> dict[str, Any]:
    """Return a selector as keyword arguments: FAISS's wrapper keeps those objects alive."""
    return {} if allowed is None else {"sel": row_selector(allowed)}
