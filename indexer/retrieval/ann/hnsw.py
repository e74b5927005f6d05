"""HNSW search: a walk over a graph of neighbours (Malkov and Yashunin 2018, arXiv:1603.09320)."""

from __future__ import annotations

from functools import lru_cache

import faiss
import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.retrieval.ann.clusters import THINNING
from indexer.retrieval.ann.efforts import effort_among_clusters
from indexer.retrieval.ann.flat import FlatSearcher
from indexer.retrieval.ann.ivf_pq import IvfPqSearcher
from indexer.retrieval.ann.searching import TIE_MARGIN, Rows, ask, nearest_first
from indexer.storage import Effort, RowSet

__all__ = ["HnswSearcher"]

# Where at least this share of the rows passes a filter, the graph is walked, and other rows
# are dropped. Below, the clusters nearest to the query are searched.
_WALK_SHARE = 0.4
# A walk that keeps more than one in so many rows in view costs more than comparing with all.
_ROWS_PER_NODE = 20


class HnswSearcher:
    """Approximate search over a graph of float16 vectors, with clusters for filtered searches.

    The graph's vectors have the bits of the stored ones, so that its cosines are exact. A
    narrow filter thins the graph out: a walk gets lost, or has to keep far more rows in view.
    Therefore the file also holds short codes of the same rows in clusters (`IvfPqSearcher`).

    Args:
        index: The clusters as its base, and the graph.
    """

    def __init__(self, index: faiss.IndexRefine) -> None:
        self._index = index  # owns the parts
        self._graph = faiss.downcast_index(index.refine_index)
        stored = faiss.downcast_index(self._graph.storage)
        self._flat = FlatSearcher(stored)
        base = faiss.downcast_index(index.base_index)
        self.clusters = IvfPqSearcher(base, _GraphVectors(stored))

    def search(
        self, query: FloatArray, k: int, allowed: RowSet | None, effort: Effort
    ) -> tuple[FloatArray, Rows]:
        """Return nearly the k nearest rows; see `Searcher`."""
        wanted = k + TIE_MARGIN
        breadth = max(effort.breadth, wanted)
        if breadth * _ROWS_PER_NODE > self._graph.ntotal:
            return self._flat.search(query, k, allowed, effort)
        if allowed is None:
            scores, rows = ask(self._graph, query, wanted, _parameters(breadth))
            return nearest_first(scores, rows, k)
        if allowed.share >= _WALK_SHARE:
            breadth = int(breadth * allowed.share ** (THINNING - 1))
            scores, rows = ask(self._graph, query, breadth, _parameters(breadth))
            passing = allowed.mask[rows]
            found = int(np.count_nonzero(passing))
            # Fewer pass around this query where the filter goes with where rows lie.
            if found >= max(wanted, max(effort.breadth, wanted) * (found / len(rows)) ** THINNING):
                return nearest_first(scores[passing], rows[passing], k)
        return self.clusters.search(query, k, allowed, effort_among_clusters(effort))


class _GraphVectors:
    """The vectors in a graph, by row."""

    def __init__(self, vectors: faiss.IndexScalarQuantizer) -> None:
        self._vectors = vectors

    def take(self, rows: NDArray[np.int64]) -> FloatArray:
        """Return some rows, `[len(rows), dim]`."""
        rows = np.ascontiguousarray(rows)
        taken = np.empty((len(rows), self._vectors.d), np.float32)
        self._vectors.reconstruct_batch_c(len(rows), faiss.swig_ptr(rows), faiss.swig_ptr(taken))
        return taken


@lru_cache(maxsize=256)
def _parameters(breadth: int) -> faiss.SearchParametersHNSW:
    """Return FAISS's form of a breadth; making one takes a tenth of the time of a search."""
    return faiss.SearchParametersHNSW(efSearch=breadth)
