"""Nearest neighbours of a segment by cosine: an opened FAISS index with its tuned efforts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import faiss
import numpy as np

from embeddings import FloatArray
from indexer.errors import DamagedIndexError
from indexer.retrieval.ann.flat import FlatSearcher
from indexer.retrieval.ann.hnsw import HnswSearcher
from indexer.retrieval.ann.hnsw_alone import HnswAloneSearcher
from indexer.retrieval.ann.ivf_pq import IvfPqSearcher
from indexer.retrieval.ann.searching import Rows, Searcher
from indexer.storage import Effort, IndexKind, MappedVectors, QueryKind, RowSet, is_mapped

__all__ = ["NeighbourIndex"]


class NeighbourIndex:
    """A FAISS index over a segment's unit vectors, opened for searching.

    Attributes:
        count: Number of vectors.
        dim: Length of the vectors.
    """

    def __init__(
        self, searcher: Searcher, count: int, dim: int, efforts: Mapping[QueryKind, Effort]
    ) -> None:
        """Search with some efforts; `open` makes the searcher.

        Args:
            searcher: Search in the kind of index.
            count: Number of vectors.
            dim: Length of the vectors.
            efforts: How hard to look for IMAGE and TEXT queries.
        """
        self.count = count
        self.dim = dim
        self._searcher = searcher
        self._efforts = efforts

    @classmethod
    def open(
        cls,
        path: Path,
        vectors: MappedVectors,
        kind: IndexKind,
        efforts: Mapping[QueryKind, Effort],
    ) -> NeighbourIndex:
        """Open an index file; a large one is mapped. FAISS trusts it: check its hash before.

        Args:
            path: The file.
            vectors: The stored vectors that the index was made from.
            kind: What it is.
            efforts: How hard to look for IMAGE and TEXT queries.

        Raises:
            DamagedIndexError: FAISS can't read it.
        """
        try:
            # FAISS copies the codes of clusters in any case; mapped, they would be resident twice.
            mapped = kind is not IndexKind.IVFPQ and is_mapped(path.stat().st_size)
            flags = faiss.IO_FLAG_MMAP_IFC if mapped else 0
            index = faiss.read_index(str(path), flags)
            searcher = _searcher(index, vectors, kind)
        except RuntimeError as error:
            raise DamagedIndexError(f"FAISS can't read {path.name}.") from error
        return cls(searcher, int(index.ntotal), int(index.d), efforts)

    def search(
        self,
        query: FloatArray,
        k: int,
        allowed: RowSet | None = None,
        kind: QueryKind = QueryKind.TEXT,
    ) -> tuple[FloatArray, Rows]:
        """Return the k nearest rows to one unit vector.

        Args:
            query: `[dim]`.
            k: How many.
            allowed: Which of the `count` rows may be found; all by default.
            kind: What the query was made of.

        Returns:
            Cosines and row numbers, both of min(k, rows allowed), nearest first; rows of equal
            cosine come in row order.
        """
        k = min(k, self.count if allowed is None else allowed.count)
        if k == 0:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        tuned_as = QueryKind.IMAGE if kind is QueryKind.IMAGE else QueryKind.TEXT
        effort = self._efforts.get(tuned_as, Effort(0, 0))
        return self._searcher.search(query, k, allowed, effort)

    @property
    def clusters(self) -> NeighbourIndex | None:
        """The clusters of a graph, as an index of their own; None in an index of another kind."""
        if not isinstance(self._searcher, HnswSearcher):
            return None
        return NeighbourIndex(self._searcher.clusters, self.count, self.dim, self._efforts)

    def with_efforts(self, efforts: Mapping[QueryKind, Effort]) -> NeighbourIndex:
        """Return the same index, searched with other efforts."""
        return NeighbourIndex(self._searcher, self.count, self.dim, efforts)


def _searcher(index: faiss.Index, vectors: MappedVectors, kind: IndexKind) -> Searcher:
    match kind:
        case IndexKind.FLAT:
            return FlatSearcher(index)
        case IndexKind.HNSW:
            if isinstance(index, faiss.IndexRefine):
                return HnswSearcher(index)
            return HnswAloneSearcher(index, vectors)
        case IndexKind.IVFPQ:
            return IvfPqSearcher(index, vectors)
