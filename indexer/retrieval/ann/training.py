"""Training and writing of FAISS indexes over stored vectors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.storage import IndexKind

__all__ = ["HNSW_LINKS", "empty_flat", "write_neighbours"]

# Fewer vectors are too few to learn clusters and codes from.
_MIN_CLUSTERED = 1000
# Vectors converted to float32 at a time.
_BATCH = 65_536
HNSW_LINKS = 24
"""Links of a node of a graph; twice as many at the lowest level."""
_HNSW_CONSTRUCTION = 128
# Clusters by the square root of the number of vectors. Five times as many, tried at 10 M rows, took
# three times as long to build, and to search for words (docs/performance.md).
_CLUSTERS_PER_ROOT = 4
# From this many clusters on, the nearest are found by a graph rather than one by one.
_GRAPH_OVER_CLUSTERS = 1024
# FAISS's own advice for k-means is 39 or more points a cluster; of very many clusters fewer do.
_POINTS_PER_CLUSTER = 40
_MAX_POINTS = 1 << 20


def write_neighbours(vectors: NDArray[np.float16], kind: IndexKind, path: Path) -> None:
    """Train and write an index over vectors.

    FLAT keeps float16 components, the same that the segment stores.

    Args:
        vectors: `[n, dim]` unit vectors, n from 1 for the kinds other than FLAT.
        kind: What to write.
        path: The file to write.

    Raises:
        OSError: It can't be written.
    """
    index = _filled(_trained(vectors, kind), vectors)
    if kind is IndexKind.HNSW and len(vectors) >= _MIN_CLUSTERED:
        # FAISS's container of two indexes over the same rows; `HnswSearcher` takes them apart.
        index = faiss.IndexRefine(_filled(_trained_ivf_pq(vectors), vectors), index)
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:  # FAISS reports a full disk like this
        raise OSError(f"{path.name} can't be written") from error


def _filled(index: faiss.Index, vectors: NDArray[np.float16]) -> faiss.Index:
    for batch in _batches(vectors):
        index.add(batch)
    return index


def _trained(vectors: NDArray[np.float16], kind: IndexKind) -> faiss.Index:
    dim = vectors.shape[1]
    match kind:
        case IndexKind.FLAT:
            return empty_flat(dim)
        case IndexKind.HNSW:
            return _empty_hnsw(dim)
        case IndexKind.IVFPQ:
            return _trained_ivf_pq(vectors)


def empty_flat(dim: int) -> faiss.IndexScalarQuantizer:
    """Return an index without rows that compares with every vector, of float16 components."""
    return faiss.IndexScalarQuantizer(
        dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )


def _empty_hnsw(dim: int) -> faiss.Index:
    index = faiss.IndexHNSWSQ(
        dim, faiss.ScalarQuantizer.QT_fp16, HNSW_LINKS, faiss.METRIC_INNER_PRODUCT
    )
    index.hnsw.efConstruction = _HNSW_CONSTRUCTION
    return index


def _trained_ivf_pq(vectors: NDArray[np.float16]) -> faiss.Index:
    count, dim = vectors.shape
    clusters = max(1, min(round(_CLUSTERS_PER_ROOT * count**0.5), count // _POINTS_PER_CLUSTER))
    graph = "_HNSW32" if clusters >= _GRAPH_OVER_CLUSTERS else ""
    # Codes of the differences to the centres ("r"): without them text queries lose a tenth of
    # their neighbours (docs/performance.md).
    codes = dim // 2 if dim % 2 == 0 else dim
    factory = f"IVF{clusters}{graph},PQ{codes}x4fsr"
    index = faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
    points = max(_BATCH, min(_POINTS_PER_CLUSTER * clusters, _MAX_POINTS))
    index.train(_sample(vectors, points))
    return index


def _sample(vectors: NDArray[np.float16], size: int) -> FloatArray:
    """Return vectors from all over, the same for the same input; `[min(size, n), dim]`."""
    if len(vectors) > size:
        rows = np.random.default_rng(0).choice(len(vectors), size, replace=False)
        vectors = vectors[np.sort(rows)]
    return np.ascontiguousarray(vectors, dtype=np.float32)


def _batches(vectors: NDArray[np.float16]) -> Iterator[FloatArray]:
    for start in range(0, len(vectors), _BATCH):
        yield np.ascontiguousarray(vectors[start : start + _BATCH], dtype=np.float32)
