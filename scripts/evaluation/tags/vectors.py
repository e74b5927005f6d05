"""Vectors of pictures of the shared catalogs, computed once for each model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, FloatArray, PixelArray
from embeddings.images import open_image
from scripts.training.data.catalogs import read_pictures, read_rows
from scripts.training.data.pixels import PREPROCESS, cached_pixels

__all__ = ["SetVectors"]

_BATCH = 64
# Batches between two writes of the cache: an interrupted run loses a minute at most.
_KEEP_EVERY = 16


class SetVectors:
    """Vectors of a set's rows; those asked for before, by whatever run, come from the cache.

    Args:
        encoder: The model; its fingerprint names the file in the cache.
        data: The folder of shared catalogs.
        cache: Vectors are kept in `tags`, and pixels where training keeps them, in `compact`.
        name: The set.
    """

    def __init__(self, encoder: Encoder, data: Path, cache: Path, name: str) -> None:
        self._encoder, self._data, self._cache, self._name = encoder, data, cache, name
        self._path = cache / "tags" / f"{name}-{encoder.spec.fingerprint[:16]}.npy"

    def __len__(self) -> int:
        return len(read_rows(self._data, self._name))

    def of(self, rows: Sequence[int] | NDArray[np.int64]) -> FloatArray:
        """`[n, dim]` unit vectors of the pictures in these rows of the set."""
        wanted = np.asarray(rows, np.int64)
        known = self._known()
        missing = wanted[np.isnan(known[wanted, 0])]
        for number, start in enumerate(range(0, len(missing), _BATCH), start=1):
            part = missing[start : start + _BATCH]
            known[part] = self._encoder.encode_images(self._pixels(part))
            if number % _KEEP_EVERY == 0 or start + _BATCH >= len(missing):
                self._keep(known)
        return known[wanted]

    def _known(self) -> FloatArray:
        if self._path.exists():
            kept: FloatArray = np.load(self._path)
            return kept
        return np.full((len(self), self._encoder.spec.dim), np.nan, np.float32)

    def _keep(self, vectors: FloatArray) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial.npy")
        np.save(partial, vectors)
        partial.rename(self._path)

    def _pixels(self, rows: NDArray[np.int64]) -> PixelArray:
        if self._encoder.preprocess == PREPROCESS:
            return np.array(cached_pixels(self._data, self._cache / "compact", self._name)[rows])
        wanted = set(rows.tolist())
        opened = {
            row: self._encoder.preprocess(open_image(content))
            for row, content in enumerate(read_pictures(self._data, self._name))
            if row in wanted
        }
        return np.stack([opened[row] for row in rows.tolist()])
