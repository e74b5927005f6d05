"""Nearest neighbours by cosine: the one file that imports faiss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.errors import DamagedIndexError
from indexer.retrieval.ann.clusters import ClusterMap, clusters_at_first, clusters_to_visit
from indexer.storage import Effort, IndexKind, MappedVectors, QueryKind, RowSet

__all__ = [
    "LADDERS",
    "NeighbourIndex",
    "write_neighbours",
]

Rows = NDArray[np.int64]


# Efforts from small to large; tuning takes the first that finds enough.
LADDERS: Mapping[IndexKind, tuple[Effort, ...]] = {
    IndexKind.FLAT: (Effort(0, 0),),
    IndexKind.HNSW: tuple(
        Effort(breadth, min(breadth, 40)) for breadth in (32, 48, 64, 96, 128, 192, 256, 384, 768)
    ),
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

# How many more neighbours are asked for than wanted, to see whether the last place is tied.
_TIE_MARGIN = 8
# Up to this many rows are compared one by one: it costs less than looking for them in clusters.
_FEW_ROWS = 1024
# Where less than this share of the rows around a query passes a filter, the graph is not walked;
# its short vectors are compared one after another instead, which is surer and no slower then.
_SCAN_SHARE = 0.15
# Decimals to which cosines are told apart; float16 components are good for fewer.
_DECIMALS = 6
_BATCH = 65_536
_HNSW_LINKS = 32
_HNSW_CONSTRUCTION = 80
# From this many clusters on, the nearest are found by a graph rather than one by one.
_GRAPH_OVER_CLUSTERS = 1024
# FAISS's own advice for k-means is 39 or more points a cluster; of very many clusters fewer do.
_POINTS_PER_CLUSTER = 40
_MAX_POINTS = 1 << 20


class NeighbourIndex:
    """A FAISS index over a segment's unit vectors, opened for searching.

    Args:
        index: The FAISS index.
        vectors: What it was made from.
        kind: What it is.
        efforts: How hard to look, by kind of query.
    """

    def __init__(
        self,
        index: faiss.Index,
        vectors: MappedVectors,
        kind: IndexKind,
        efforts: Mapping[QueryKind, Effort],
    ) -> None:
        self._index = index
        self._vectors = vectors
        self._kind = kind
        self._efforts = efforts
        ivf = kind is IndexKind.IVFPQ
        self._clusters = int(index.nlist) if ivf else 0
        self._storage = faiss.downcast_index(index.storage) if kind is IndexKind.HNSW else None
        # Whether the nearest clusters are found by a graph.
        self._graph = ivf and isinstance(faiss.downcast_index(index.quantizer), faiss.IndexHNSW)

    @classmethod
    def open(
        cls,
        path: Path,
        vectors: MappedVectors,
        kind: IndexKind,
        efforts: Mapping[QueryKind, Effort],
    ) -> NeighbourIndex:
        """Map an index file. Its hash must have been checked: FAISS trusts what it parses.

        Raises:
            DamagedIndexError: If FAISS can't read it.
        """
        # FAISS copies the codes of clusters in any case; mapped, they would be resident twice.
        flags = 0 if kind is IndexKind.IVFPQ else faiss.IO_FLAG_MMAP_IFC
        try:
            return cls(faiss.read_index(str(path), flags), vectors, kind, efforts)
        except RuntimeError as error:
            raise DamagedIndexError(f"FAISS can't read {path.name}.") from error

    @property
    def count(self) -> int:
        """Number of vectors."""
        return int(self._index.ntotal)

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return int(self._index.d)

    def search(
        self,
        query: FloatArray,
        k: int,
        allowed: RowSet | None = None,
        kind: QueryKind = QueryKind.TEXT,
    ) -> tuple[FloatArray, Rows]:
        """The k nearest rows to one unit vector.

        Args:
            query: `[dim]`.
            k: How many.
            allowed: Which of the `count` rows may be found; all by default.
            kind: What the query was made of.

        Returns:
            Cosines and row numbers, both of min(k, rows allowed), nearest first; rows of equal
            cosine come in row order.
        """
        there = self.count if allowed is None else allowed.count
        k = min(k, there)
        if k == 0:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        tuned_as = QueryKind.IMAGE if kind is QueryKind.IMAGE else QueryKind.TEXT
        effort = self._efforts.get(tuned_as, Effort(0, 0))
        match self._kind:
            case IndexKind.FLAT:
                return self._search_flat(query, k, there, allowed)
            case IndexKind.HNSW:
                return self._search_graph(query, k, allowed, effort)
            case IndexKind.IVFPQ:
                return self._search_clusters(query, k, allowed, effort)

    def with_efforts(self, efforts: Mapping[QueryKind, Effort]) -> NeighbourIndex:
        """The same index, searched with other efforts."""
        return NeighbourIndex(self._index, self._vectors, self._kind, efforts)

    def _search_flat(
        self, query: FloatArray, k: int, there: int, allowed: RowSet | None
    ) -> tuple[FloatArray, Rows]:
        asked = min(k + _TIE_MARGIN, there)
        while True:
            scores, rows = self._ask(query, asked, allowed)
            # FAISS keeps any of the rows that tie for the last place; only when the tie is seen to
            # end can the first of them in row order be told.
            if asked == there or scores[-1] < scores[k - 1]:
                break
            asked = min(2 * asked, there)
        order = np.lexsort((rows, -scores))[:k]
        return scores[order], rows[order]

    def _search_graph(
        self, query: FloatArray, k: int, allowed: RowSet | None, effort: Effort
    ) -> tuple[FloatArray, Rows]:
        candidates = max(effort.candidates, 4 * k)
        breadth = max(effort.breadth, candidates)
        share = 1.0
        if allowed is not None:
            # What passes overall says little of what passes near the query.
            _, around = self._ask(query, breadth, None, breadth)
            share = float(allowed.mask[around].mean())
        # The walk passes by what does not pass the filter.
        if share >= _SCAN_SHARE and breadth / share < self.count // 20:
            _, rows = self._ask(query, candidates, allowed, int(breadth / share))
            if len(rows) >= k:
                return self._rank(query, rows, k)
        _, rows = self._ask(query, candidates, allowed, index=self._storage)
        return self._rank(query, rows, k)

    def _search_clusters(
        self, query: FloatArray, k: int, allowed: RowSet | None, effort: Effort
    ) -> tuple[FloatArray, Rows]:
        candidates = max(effort.candidates, 4 * k)
        if allowed is None:
            # Enough to hold the candidates, wherever they are.
            breadth = max(effort.breadth, 2 * candidates * self._clusters // self.count + 1)
            _, rows = self._ask(query, candidates, None, min(breadth, self._clusters))
            return self._rank(query, rows, k)
        if allowed.count <= max(_FEW_ROWS, candidates):
            return self._rank(query, allowed.rows, k)
        closeness, clusters = self._clusters_to_visit(query, allowed, effort, 2 * candidates)
        return self._rank(query, self._visit(query, candidates, clusters, closeness, allowed), k)

    def _clusters_to_visit(
        self, query: FloatArray, allowed: RowSet, effort: Effort, least: int
    ) -> tuple[FloatArray, Rows]:
        """The nearest clusters that hold rows that pass, as many as it takes, and how near."""
        holding = self._cluster_map.holding(allowed)
        rows = effort.breadth * self.count / self._clusters
        least = min(least, allowed.count)
        closeness = (self._centres @ query)[holding.clusters]
        ranked = clusters_at_first(effort.breadth, holding.share)
        while True:
            nearest = _highest(closeness, ranked)
            stop = clusters_to_visit(holding.sizes[nearest], holding.passing[nearest], rows, least)
            if stop is not None or ranked >= len(closeness):
                break
            ranked *= 4
        visited = nearest[:stop]
        return closeness[visited], holding.clusters[visited]

    @cached_property
    def _centres(self) -> FloatArray:
        """`[clusters, dim]`."""
        return np.asarray(self._index.quantizer.reconstruct_n(0, self._clusters))

    @cached_property
    def _cluster_map(self) -> ClusterMap:
        """Made when a filter is first used: it takes 4 bytes a row."""
        of_row = np.empty(self.count, np.int32)
        lists = self._index.invlists
        for number in range(self._clusters):
            if size := lists.list_size(number):
                of_row[faiss.rev_swig_ptr(lists.get_ids(number), size)] = number
        return ClusterMap(of_row, self._clusters)

    def _visit(
        self,
        query: FloatArray,
        k: int,
        clusters: Rows,
        closeness: FloatArray,
        allowed: RowSet,
    ) -> Rows:
        """The k nearest rows in some clusters, by their codes."""
        params = faiss.SearchParametersIVF(nprobe=len(clusters), sel=_selector(allowed))
        scores, rows = np.empty((1, k), np.float32), np.empty((1, k), np.int64)
        # The method below it in FAISS's wrapper takes no parameters.
        self._index.search_preassigned_c(
            1,
            faiss.swig_ptr(query),
            k,
            faiss.swig_ptr(clusters),
            faiss.swig_ptr(closeness),
            faiss.swig_ptr(scores),
            faiss.swig_ptr(rows),
            False,
            params,
        )
        return rows[rows >= 0]

    def _ask(
        self,
        query: FloatArray,
        k: int,
        allowed: RowSet | None,
        breadth: int = 0,
        index: faiss.Index | None = None,
    ) -> tuple[FloatArray, Rows]:
        """What FAISS finds: at most k rows, nearest first by its own reckoning.

        `index` is another one than `self._index` over the same rows, to be read from end to end.
        """
        # As keyword arguments, of which FAISS's wrapper keeps the objects alive.
        chosen: dict[str, Any] = {}
        if allowed is not None:
            chosen["sel"] = _selector(allowed)
        if self._graph:
            around = max(32, 3 * breadth // 2)
            chosen["quantizer_params"] = faiss.SearchParametersHNSW(efSearch=around)
        if index is not None or self._kind is IndexKind.FLAT:
            params = faiss.SearchParameters(**chosen) if chosen else None
        elif self._kind is IndexKind.IVFPQ:
            params = faiss.SearchParametersIVF(nprobe=breadth, **chosen)
        else:
            params = faiss.SearchParametersHNSW(efSearch=max(breadth, k), **chosen)
        with _one_thread():
            scores, rows = (index or self._index).search(query[np.newaxis], k, params=params)
        found = rows[0] >= 0
        return scores[0][found], rows[0][found]

    def _rank(self, query: FloatArray, rows: Rows, k: int) -> tuple[FloatArray, Rows]:
        """The k nearest of some rows, by their stored vectors."""
        rows = np.sort(rows)
        scores = np.round(self._vectors.take(rows) @ query, _DECIMALS)
        order = np.argsort(-scores, kind="stable")[:k]
        return scores[order], rows[order]


@contextmanager
def _one_thread() -> Iterator[None]:
    """One query gains nothing from a team of threads, and a team of its own costs the model dear.

    Both are OpenMP's: after one search with a team, `compact` took 15.2 ms for a picture instead of
    5.9 on two cores (`embeddings.clip`).
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _highest(values: FloatArray, count: int) -> Rows:
    """The places of the highest values, highest first."""
    if count >= len(values):
        return np.argsort(-values)
    places = np.argpartition(-values, count)[:count]
    return places[np.argsort(-values[places])]


def _selector(allowed: RowSet) -> faiss.IDSelector:
    """To be used while `allowed`, which holds the bits, is there."""
    bits = allowed.bits
    return faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))


def write_neighbours(vectors: NDArray[np.float16], kind: IndexKind, path: Path) -> None:
    """Write an index over vectors.

    FLAT keeps float16 components, the same that the segment stores.

    Args:
        vectors: `[n, dim]` unit vectors, n from 1 for the kinds other than FLAT.
        kind: What to write.
        path: The file to write.

    Raises:
        OSError: It can't be written.
    """
    index = _trained(vectors, kind)
    for batch in _batches(vectors):
        index.add(batch)
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:  # FAISS's word for a full disk
        raise OSError(f"{path.name} can't be written") from error


def _trained(vectors: NDArray[np.float16], kind: IndexKind) -> faiss.Index:
    count, dim = vectors.shape
    metric = faiss.METRIC_INNER_PRODUCT
    if kind is IndexKind.FLAT:
        return faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, metric)
    if kind is IndexKind.HNSW:
        index = faiss.IndexHNSWSQ(dim, faiss.ScalarQuantizer.QT_8bit, _HNSW_LINKS, metric)
        index.hnsw.efConstruction = _HNSW_CONSTRUCTION
        index.train(_sample(vectors, _BATCH))
        return index
    # Five times as many, tried at 10 M rows, took three times as long to build, and to search for
    # words (docs/performance.md).
    clusters = max(1, min(round(4 * count**0.5), count // _POINTS_PER_CLUSTER))
    graph = "_HNSW32" if clusters >= _GRAPH_OVER_CLUSTERS else ""
    # Codes of the differences to the centres ("r"): without them text queries lose a tenth of
    # their neighbours (docs/performance.md).
    codes = dim // 2 if dim % 2 == 0 else dim
    index = faiss.index_factory(dim, f"IVF{clusters}{graph},PQ{codes}x4fsr", metric)
    points = max(_BATCH, min(_POINTS_PER_CLUSTER * clusters, _MAX_POINTS))
    index.train(_sample(vectors, points))
    return index


def _sample(vectors: NDArray[np.float16], size: int) -> FloatArray:
    """Some vectors from all over, the same for the same input; `[min(size, n), dim]`."""
    if len(vectors) > size:
        rows = np.random.default_rng(0).choice(len(vectors), size, replace=False)
        vectors = vectors[np.sort(rows)]
    return np.ascontiguousarray(vectors, dtype=np.float32)


def _batches(vectors: NDArray[np.float16]) -> Iterator[FloatArray]:
    for start in range(0, len(vectors), _BATCH):
        yield np.ascontiguousarray(vectors[start : start + _BATCH], dtype=np.float32)
