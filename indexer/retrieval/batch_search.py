"""Batch search: the nearest neighbours of many queries at once, among vectors in memory."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray

__all__ = ["BatchSearch"]

# Up to so many vectors every query is compared with all of them.
_EXACT_ROWS = 20_000
# Beyond it vectors lie in clusters of about this many, and a query looks into the nearest ones:
# 0.999 of the 11 nearest of 35,598 products were found in 1/13 of the time.
_CLUSTER_ROWS = 200
_CLUSTERS_SEARCHED = 24
# Clusters are learned from so many vectors each, in so many rounds.
_TRAINED_ON = 40
_ROUNDS = 6
# Vectors turned to float32 at a time.
_BLOCK = 65_536


class BatchSearch:
    """Finds the nearest of some vectors to many queries, on all processors.

    Many vectors take as much memory as in float16, few as in float32.

    Args:
        vectors: `[all, dim]` unit vectors, float16 or float32; may be a memory map.
        rows: `[n]`, which of them may be found, n from 1.
        exact: Compare each query with every vector, however many there are.
    """

    def __init__(
        self,
        vectors: NDArray[np.floating[Any]],
        rows: NDArray[np.int64],
        *,
        exact: bool = False,
    ) -> None:
        self._count = len(rows)
        if exact or self._count <= _EXACT_ROWS:
            self._index = faiss.IndexFlatIP(vectors.shape[1])
        else:
            self._index = _clustered(vectors, rows)
        for start in range(0, self._count, _BLOCK):
            block = rows[start : start + _BLOCK]
            self._index.add(np.asarray(vectors[block], np.float32))

    def search(self, queries: FloatArray, k: int) -> tuple[NDArray[np.int64], FloatArray]:
        """Return the places in `rows` of the nearest vectors to each query, nearest first.

        Args:
            queries: `[m, dim]` unit vectors.
            k: How many are wanted.

        Returns:
            Places and cosines, both `[m, min(k, n)]`. Where fewer are found, the last places are -1
            and their cosines the lowest float32.
        """
        cosines, places = self._index.search(
            np.ascontiguousarray(queries, np.float32), min(k, self._count)
        )
        return places, cosines


def _clustered(vectors: NDArray[np.floating[Any]], rows: NDArray[np.int64]) -> Any:
    """Make an empty IVF index with the clusters of some vectors (Sivic and Zisserman 2003)."""
    count, dim = len(rows), vectors.shape[1]
    clusters = count // _CLUSTER_ROWS
    # float16 loses nothing: it is what an index stores.
    index = faiss.index_factory(dim, f"IVF{clusters},SQfp16", faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = _ROUNDS
    index.cp.max_points_per_centroid = _TRAINED_ON
    index.by_residual = False
    index.nprobe = _CLUSTERS_SEARCHED
    sample = np.linspace(0, count - 1, min(count, clusters * _TRAINED_ON), dtype=np.int64)
    index.train(np.asarray(vectors[rows[sample]], np.float32))
    return index
