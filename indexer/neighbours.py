"""Nearest neighbours by cosine: the one file that imports faiss."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import FloatArray
from indexer.errors import DamagedIndexError

__all__ = ["NeighbourIndex", "write_flat"]


# How many more neighbours are asked for than wanted, to see whether the last place is tied.
_TIE_MARGIN = 8


class NeighbourIndex:
    """A FAISS index over unit vectors, opened for searching."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def open(cls, path: Path) -> NeighbourIndex:
        """Open an index file. Its hash must have been checked: FAISS trusts what it parses.

        Raises:
            DamagedIndexError: If FAISS can't read it.
        """
        try:
            return cls(faiss.read_index(str(path)))
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
        self, query: FloatArray, k: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[FloatArray, NDArray[np.int64]]:
        """The k nearest rows to one unit vector.

        Args:
            query: `[dim]`.
            k: How many.
            allowed: `[count]`, which rows may be found; all by default.

        Returns:
            Cosines and row numbers, both of min(k, rows allowed), nearest first; rows of equal
            cosine come in row order.
        """
        there = self.count if allowed is None else int(np.count_nonzero(allowed))
        k = min(k, there)
        if k == 0:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        asked = min(k + _TIE_MARGIN, there)
        while True:
            scores, rows = self._search(query, asked, allowed)
            # FAISS keeps any of the rows that tie for the last place; only when the tie is seen to
            # end can the first of them in row order be told.
            if asked == there or scores[-1] < scores[k - 1]:
                break
            asked = min(2 * asked, there)
        order = np.lexsort((rows, -scores))[:k]
        return scores[order], rows[order]

    def _search(
        self, query: FloatArray, k: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[FloatArray, NDArray[np.int64]]:
        """The k nearest rows, nearest first."""
        params = None
        if allowed is not None:
            bits = np.packbits(allowed, bitorder="little")
            selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
            params = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        scores, rows = self._index.search(query[np.newaxis], k, params=params)
        return scores[0], rows[0]


def write_flat(vectors: Iterable[FloatArray], dim: int, path: Path) -> None:
    """Write an exact index.

    It keeps float16 components, the same that the segment stores, so its cosines are those of the
    stored vectors.

    Args:
        vectors: Batches `[n, dim]` of unit vectors, in row order.
        dim: Length of the vectors.
        path: The file to write.
    """
    index = faiss.IndexScalarQuantizer(
        dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    for batch in vectors:
        index.add(np.ascontiguousarray(batch, dtype=np.float32))
    faiss.write_index(index, str(path))
