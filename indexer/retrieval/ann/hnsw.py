"""HNSW search: a walk over a graph of neighbours (Malkov and Yashunin 2018, arXiv:1603.09320)."""

from __future__ import annotations

from functools import lru_cache

import faiss
import numpy as np

from embeddings import FloatArray
from indexer.retrieval.ann.clusters import THINNING
from indexer.retrieval.ann.efforts import effort_among_clusters
from indexer.retrieval.ann.flat import FlatSearcher
from indexer.retrieval.ann.ivf_pq import IvfPqSearcher
from indexer.retrieval.ann.searching import TIE_MARGIN, Rows, ask, nearest_first
from indexer.storage import Effort, RowSet, to_float32

__all__ = ["HnswSearcher"]

# A search with a filter walks up to so many times as far as without; clusters are quicker then.
_FURTHEST_WALK = 2
# Rows that pass which a walk must expect for each hit, and how much further it goes than the share
# that passes asks for: around some queries fewer pass.
_ROWS_PER_HIT = 1.5
_WALK_MARGIN = 1.2
# A filter that lets this share pass is tried without looking how many rows pass around the query.
_EVEN_SHARE = 0.4
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
        if not effort.breadth and effort.candidates:  # see `alone_in_clusters`
            return self.clusters.search(query, k, allowed, effort_among_clusters(effort))
        if allowed is None:
            scores, rows = ask(self._graph, query, wanted, _parameters(breadth))
            return nearest_first(scores, rows, k)
        found = self._walk_and_drop(query, k, allowed, breadth)
        if found is not None:
            return found
        return self.clusters.search(query, k, allowed, effort_among_clusters(effort))

    def _walk_and_drop(
        self, query: FloatArray, k: int, allowed: RowSet, breadth: int
    ) -> tuple[FloatArray, Rows] | None:
        """Walk further than without a filter, and drop the rows that don't pass it.

        As among clusters, a search must see d ** THINNING times as many rows that pass as it keeps
        in view without a filter, where d is the share that passes.

        Returns:
            None where clusters are quicker, or too few rows pass around the query.
        """
        share = allowed.share
        if share * _FURTHEST_WALK * breadth < _ROWS_PER_HIT * k:
            return None
        if share < _EVEN_SHARE:
            share = self.clusters.share_around(query, allowed)
        wanted = max(_ROWS_PER_HIT * k, _WALK_MARGIN * breadth * share**THINNING)
        if wanted > share * _FURTHEST_WALK * breadth:
            return None
        further = max(breadth, int(wanted / share))
        scores, rows = ask(self._graph, query, further, _parameters(further))
        passing = allowed.mask[rows]
        found = int(np.count_nonzero(passing))
        if found < max(k, breadth * (found / max(1, len(rows))) ** THINNING):
            return None
        return nearest_first(scores[passing], rows[passing], k)


class _GraphVectors:
    """The vectors in a graph, by row; valid as long as the graph."""

    def __init__(self, vectors: faiss.IndexScalarQuantizer) -> None:
        # FAISS's own way of reading rows, `reconstruct_batch`, takes ten times as long.
        size = vectors.ntotal * vectors.code_size
        codes = faiss.rev_swig_ptr(vectors.codes.data(), size)
        self._halves = codes.view(np.float16).reshape(vectors.ntotal, vectors.d)

    def take(self, rows: Rows) -> FloatArray:
        """Return some rows, `[len(rows), dim]`."""
        return to_float32(self._halves.take(rows, axis=0))


@lru_cache(maxsize=256)
def _parameters(breadth: int) -> faiss.SearchParametersHNSW:
    """Return FAISS's form of a breadth; making one takes a tenth of the time of a search."""
    return faiss.SearchParametersHNSW(efSearch=breadth)
