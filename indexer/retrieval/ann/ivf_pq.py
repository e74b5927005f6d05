"""IVF-PQ search: short codes of the vectors in the clusters nearest to the query.

Clusters and codes: Jegou et al. 2011. Codes compared in registers: Andre et al. 2015, "Cache
locality is not enough".
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import faiss
import numpy as np

from embeddings import FloatArray
from indexer.retrieval.ann.clusters import ClusterMap, clusters_at_first, clusters_to_visit
from indexer.retrieval.ann.searching import Rows, Vectors, ask, rerank, row_selector
from indexer.storage import Effort, RowSet

__all__ = ["IvfPqSearcher"]

# Candidates ranked again for each hit wanted, at least.
_CANDIDATES_PER_HIT = 4
# Up to this many rows are compared one by one: it costs less than looking for them in clusters.
_FEW_ROWS = 1024
# How much further a filtered search looks when the clusters ranked don't hold enough rows.
_MORE_CLUSTERS = 4
# Nodes kept in view by the graph over the centres: at least so many, and for each cluster visited.
_GRAPH_BREADTH = 32
_GRAPH_BREADTH_PER_CLUSTER = 1.5


class IvfPqSearcher:
    """Approximate search over clusters of 4-bit codes, ranked again by the stored vectors.

    Args:
        index: The FAISS index.
        vectors: What it was made from.
    """

    def __init__(self, index: faiss.Index, vectors: Vectors) -> None:
        self._index = index
        self._vectors = vectors
        self._count = int(index.ntotal)
        self._clusters = int(index.nlist)
        # Whether the nearest clusters are found by a graph.
        self._graph = isinstance(faiss.downcast_index(index.quantizer), faiss.IndexHNSW)

    def search(
        self, query: FloatArray, k: int, allowed: RowSet | None, effort: Effort
    ) -> tuple[FloatArray, Rows]:
        """Return nearly the k nearest rows; see `Searcher`."""
        candidates = max(effort.candidates, _CANDIDATES_PER_HIT * k)
        if allowed is None:
            rows = self._search_all(query, candidates, effort)
        elif allowed.count <= max(_FEW_ROWS, candidates):
            rows = allowed.rows
        else:
            closeness, clusters = self._clusters_to_visit(query, allowed, effort, 2 * candidates)
            rows = self._visit(query, candidates, clusters, closeness, allowed)
        return rerank(self._vectors, query, rows, k)

    def _search_all(self, query: FloatArray, candidates: int, effort: Effort) -> Rows:
        # At least as many clusters as it takes to hold the candidates, if these are spread evenly.
        holding = 2 * candidates * self._clusters // self._count + 1
        breadth = min(max(effort.breadth, holding), self._clusters)
        # As keyword arguments, of which FAISS's wrapper keeps the objects alive.
        chosen: dict[str, Any] = {}
        if self._graph:
            around = max(_GRAPH_BREADTH, int(_GRAPH_BREADTH_PER_CLUSTER * breadth))
            chosen["quantizer_params"] = faiss.SearchParametersHNSW(efSearch=around)
        params = faiss.SearchParametersIVF(nprobe=breadth, **chosen)
        return ask(self._index, query, candidates, params)[1]

    def _clusters_to_visit(
        self, query: FloatArray, allowed: RowSet, effort: Effort, least: int
    ) -> tuple[FloatArray, Rows]:
        """Return the nearest clusters that hold enough rows that pass, and how near they are."""
        holding = self._cluster_map.holding(allowed)
        rows = effort.breadth * self._count / self._clusters
        least = min(least, allowed.count)
        closeness = (self._centres @ query)[holding.clusters]
        ranked = clusters_at_first(effort.breadth, holding.share)
        while True:
            nearest = _highest(closeness, ranked)
            stop = clusters_to_visit(holding.sizes[nearest], holding.passing[nearest], rows, least)
            if stop is not None or ranked >= len(closeness):
                break
            ranked *= _MORE_CLUSTERS
        visited = nearest[:stop]
        return closeness[visited], holding.clusters[visited]

    @cached_property
    def _centres(self) -> FloatArray:
        """The centres of the clusters, `[clusters, dim]`."""
        return np.asarray(self._index.quantizer.reconstruct_n(0, self._clusters))

    @cached_property
    def _cluster_map(self) -> ClusterMap:
        """The cluster of each row, at 4 bytes a row; made when a filter is first used."""
        of_row = np.empty(self._count, np.int32)
        lists = self._index.invlists
        for number in range(self._clusters):
            if size := lists.list_size(number):
                of_row[faiss.rev_swig_ptr(lists.get_ids(number), size)] = number
        return ClusterMap(of_row, self._clusters)

    def _visit(
        self, query: FloatArray, k: int, clusters: Rows, closeness: FloatArray, allowed: RowSet
    ) -> Rows:
        """Return the k nearest rows in some clusters, by their codes."""
        params = faiss.SearchParametersIVF(nprobe=len(clusters), sel=row_selector(allowed))
        scores, rows = np.empty((1, k), np.float32), np.empty((1, k), np.int64)
        store_pairs = False
        # `search_preassigned` of FAISS's Python wrapper takes no parameters, this method does.
        self._index.search_preassigned_c(
            1,
            faiss.swig_ptr(query),
            k,
            faiss.swig_ptr(clusters),
            faiss.swig_ptr(closeness),
            faiss.swig_ptr(scores),
            faiss.swig_ptr(rows),
            store_pairs,
            params,
        )
        return rows[rows >= 0]


def _highest(values: FloatArray, count: int) -> Rows:
    """Return the places of the highest values, highest first."""
    if count >= len(values):
        return np.argsort(-values)
    places = np.argpartition(-values, count)[:count]
    return places[np.argsort(-values[places])]
