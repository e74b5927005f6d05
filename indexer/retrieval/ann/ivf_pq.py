"""IVF-PQ search: short codes of the vectors in the clusters nearest to the query.

Clusters and codes: Jegou et al. 2011. Codes compared in registers: Andre et al. 2015, "Cache
locality is not enough".
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import faiss
import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.retrieval.ann.clusters import ClusterMap, Holding, clusters_at_first, clusters_to_visit
from indexer.retrieval.ann.searching import Rows, Vectors, ask, rerank, row_selector
from indexer.storage import Effort, RowSet

__all__ = ["IvfPqSearcher"]

# Candidates ranked again for each hit wanted, at least.
_CANDIDATES_PER_HIT = 4
# Up to this many rows are compared one by one: it costs less than looking for them in clusters.
_FEW_ROWS = 1024
# How much further a filtered search looks when the clusters ranked don't hold enough rows.
_MORE_CLUSTERS = 4
# Clusters that show how many rows pass a filter around a query.
_CLUSTERS_AROUND = 8
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
        # The centres of the clusters that hold the rows of a set; gone with the set.
        self._centres_of: WeakKeyDictionary[Holding, FloatArray] = WeakKeyDictionary()
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
            rows = self._search_allowed(query, candidates, allowed, effort)
        return rerank(self._vectors, query, rows, k)

    def _search_all(self, query: FloatArray, candidates: int, effort: Effort) -> Rows:
        # At least as many clusters as it takes to hold the candidates, if these are spread evenly.
        holding = 2 * candidates * self._clusters // self._count + 1
        breadth = min(max(effort.breadth, holding), self._clusters)
        params = _parameters(breadth, graph=self._graph)
        return ask(self._index, query, candidates, params)[1]

    def share_around(self, query: FloatArray, allowed: RowSet) -> float:
        """Return the share of the rows in the clusters nearest to a query that pass a filter."""
        params = _graph_parameters(_GRAPH_BREADTH) if self._graph else None
        _, nearest = ask(self._index.quantizer, query, _CLUSTERS_AROUND, params)
        return self._cluster_map.share_in(allowed, nearest)

    def _search_allowed(
        self, query: FloatArray, candidates: int, allowed: RowSet, effort: Effort
    ) -> Rows:
        holding = self._cluster_map.holding(allowed)
        closeness = self._closeness(query, holding)
        places = self._places_to_visit(
            closeness, holding, effort, min(2 * candidates, allowed.count)
        )
        thin = holding.thin(places)
        if holding.passing[places[thin]].sum() > _FEW_ROWS:
            thin[:] = False
        dense = places[~thin]
        found = np.empty(0, np.int64)
        if len(dense):
            clusters = holding.clusters[dense]
            found = self._visit(query, candidates, clusters, closeness[dense], allowed)
        return np.concatenate([found, holding.rows(places[thin])]) if thin.any() else found

    def _places_to_visit(
        self, closeness: FloatArray, holding: Holding, effort: Effort, least: int
    ) -> Rows:
        """Return the nearest clusters that hold enough rows that pass, by place in `holding`."""
        rows = effort.breadth * self._count / self._clusters
        ranked = clusters_at_first(effort.breadth, holding.share)
        while True:
            nearest = _highest(closeness, ranked)
            stop = clusters_to_visit(holding.sizes[nearest], holding.passing[nearest], rows, least)
            if stop is not None or ranked >= len(closeness):
                return nearest[:stop]
            ranked *= _MORE_CLUSTERS

    def _closeness(self, query: FloatArray, holding: Holding) -> FloatArray:
        """Return the cosine of a query with the centre of each cluster that holds rows, `[h]`."""
        if len(holding.clusters) > self._clusters // 2:
            return _products(self._centres, query)[holding.clusters]
        centres = self._centres_of.get(holding)
        if centres is None:
            centres = self._centres_of[holding] = self._centres[holding.clusters]
        return _products(centres, query)

    @cached_property
    def _centres(self) -> FloatArray:
        """The centres of the clusters, `[clusters, dim]`."""
        centres = self._index.quantizer.reconstruct_n(0, self._clusters)
        return np.ascontiguousarray(centres, np.float32)

    @cached_property
    def _cluster_map(self) -> ClusterMap:
        """The cluster of each row, at 2 or 4 bytes a row; made when a filter is first used."""
        dtype = np.uint16 if self._clusters <= np.iinfo(np.uint16).max else np.int32
        of_row: NDArray[Any] = np.empty(self._count, dtype)
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


@lru_cache(maxsize=256)
def _parameters(breadth: int, *, graph: bool) -> faiss.SearchParametersIVF:
    """Return FAISS's form of a breadth, which takes long to make; it keeps its parts alive."""
    if not graph:
        return faiss.SearchParametersIVF(nprobe=breadth)
    around = max(_GRAPH_BREADTH, int(_GRAPH_BREADTH_PER_CLUSTER * breadth))
    return faiss.SearchParametersIVF(nprobe=breadth, quantizer_params=_graph_parameters(around))


@lru_cache(maxsize=256)
def _graph_parameters(breadth: int) -> faiss.SearchParametersHNSW:
    return faiss.SearchParametersHNSW(efSearch=breadth)


def _products(rows: FloatArray, query: FloatArray) -> FloatArray:
    """Return `rows @ query` on this thread; NumPy would start a pool of threads for many rows."""
    query = np.ascontiguousarray(query, np.float32)
    found = np.empty(len(rows), np.float32)
    faiss.fvec_inner_products_ny(
        faiss.swig_ptr(found),
        faiss.swig_ptr(query),
        faiss.swig_ptr(rows),
        rows.shape[1],
        len(rows),
    )
    return found


def _highest(values: FloatArray, count: int) -> Rows:
    """Return the places of the highest values, highest first."""
    if count >= len(values):
        return np.argsort(-values)
    places = np.argpartition(-values, count)[:count]
    return places[np.argsort(-values[places])]
