"""Vectors of images of the shared catalogs, computed once for each model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, FloatArray, PixelArray
from embeddings.images import open_image
from scripts.support.encoding import BATCH
from scripts.training.data.catalogs import read_images, read_rows

__all__ = ["CatalogVectors"]

# Batches between two writes of the cache: an interrupted run loses a minute at most.
_KEEP_EVERY = 16


class CatalogVectors:
    """Vectors of one set's images; a row that any run has embedded before comes from the cache.

    Args:
        encoder: The model; its fingerprint names the file in the cache.
        data: The folder of the shared catalogs.
        cache: The folder of what is kept between runs; vectors are below `vectors`.
        name: The set.
    """

    def __init__(self, encoder: Encoder, data: Path, cache: Path, name: str) -> None:
        self._encoder, self._data, self._name = encoder, data, name
        self._path = cache / "vectors" / f"{name}-{encoder.spec.fingerprint[:16]}.npy"

    def __len__(self) -> int:
        return len(read_rows(self._data, self._name))

    def of(self, rows: Sequence[int] | NDArray[np.int64]) -> FloatArray:
        """Return unit vectors `[n, dim]` of the images in these rows of the set."""
        wanted = np.asarray(rows, np.int64)
        known = self._known()
        missing = np.unique(wanted[np.isnan(known[wanted, 0])])
        pixels = self._pixels(missing)
        for number, start in enumerate(range(0, len(missing), BATCH), start=1):
            part = missing[start : start + BATCH]
            known[part] = self._encoder.encode_images(np.stack([*islice(pixels, len(part))]))
            if number % _KEEP_EVERY == 0 or start + BATCH >= len(missing):
                self._keep(known)
        return known[wanted]

    def everything(self) -> FloatArray:
        """Return unit vectors `[n, dim]` of the whole set."""
        return self.of(range(len(self)))

    def _known(self) -> FloatArray:
        """Return the cached vectors; rows that were never embedded are NaN."""
        if self._path.exists():
            kept: FloatArray = np.load(self._path)
            return kept
        return np.full((len(self), self._encoder.spec.dim), np.nan, np.float32)

    def _keep(self, vectors: FloatArray) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial.npy")
        np.save(partial, vectors)
        partial.rename(self._path)

    def _pixels(self, rows: NDArray[np.int64]) -> Iterator[PixelArray]:
        """Yield the pixels of some rows, in row order."""
        wanted = set(rows.tolist())
        for row, content in enumerate(read_images(self._data, self._name)):
            if row in wanted:
                yield self._encoder.preprocess(open_image(content))
