"""Flat search: the query is compared with every vector."""

from __future__ import annotations

import faiss

from embeddings import FloatArray
from indexer.retrieval.ann.searching import TIE_MARGIN, Rows, ask, nearest_first, row_selector
from indexer.storage import Effort, RowSet

__all__ = ["FlatSearcher"]


class FlatSearcher:
    """Exact search over a scalar-quantised index of float16 components.

    Args:
        index: The FAISS index.
    """

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    def search(
        self,
        query: FloatArray,
        k: int,
        allowed: RowSet | None,
        effort: Effort,  # noqa: ARG002 (of the protocol; comparing with all rows has one effort)
    ) -> tuple[FloatArray, Rows]:
        """Return the k nearest rows; see `Searcher`."""
        params = None if allowed is None else faiss.SearchParameters(sel=row_selector(allowed))
        there = int(self._index.ntotal) if allowed is None else allowed.count
        fetched = min(k + TIE_MARGIN, there)
        while True:
            scores, rows = ask(self._index, query, fetched, params)
            # FAISS keeps any of the rows that tie for the last place. Only when the tie is seen to
            # end are the first of them in row order known.
            if fetched == there or scores[-1] < scores[k - 1]:
                break
            fetched = min(2 * fetched, there)
        return nearest_first(scores, rows, k)
