"""Vectors of a segment, memory-mapped; single rows are read without filling the memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.storage.layout import SegmentLayout
from indexer.storage.memory_map import map_file

__all__ = ["MappedVectors", "searched_vectors", "to_float32"]

# Rows of files up to this many bytes are read through the memory map. Around each row read the
# system maps half a megabyte or more of a cached file, so that random reads soon keep all of it in
# memory. Rows of larger files are read one by one. That takes 1.7 microseconds a row, ten times as
# long as a mapped row; but unmapping pages in time took four times as long again.
_MAPPED_BYTES = 1 << 30
_DIMENSIONS = 2
# The fraction of a single has 13 bits more than that of a half.
_FRACTION_SHIFT = 13
# Sign, exponent and fraction of a half float's bits after that shift.
_SIGN_EXPONENT_FRACTION = np.int32(-0x7000_2000)
_BIASES = np.float32(2.0**112)


class MappedVectors:
    """`[n, dim]` float16 vectors in a `.npy` file.

    Raises:
        OSError: The file can't be read.
        ValueError: The file is not such an array.
    """

    def __init__(self, path: Path) -> None:
        file = path.open("rb", buffering=0)
        shape, dtype, self._start = _header(file)
        mapped = map_file(path)
        if len(mapped) != self._start + shape[0] * shape[1] * dtype.itemsize:
            raise ValueError(f"{path.name} is not as long as its header says")
        flat: NDArray[np.float16] = np.frombuffer(mapped, dtype, shape[0] * shape[1], self._start)
        self._array = flat.reshape(shape)
        # Open as long as this object exists.
        self._file = file if len(mapped) > _MAPPED_BYTES else None

    @property
    def array(self) -> NDArray[np.float16]:
        """All vectors, `[n, dim]`, read-only."""
        return self._array

    def take(self, rows: NDArray[np.int64]) -> FloatArray:
        """Return some rows as float32, `[len(rows), dim]`.

        Raises:
            IndexError: A row is out of range.
        """
        if self._file is None or not self._array.shape[1]:
            return to_float32(self._array.take(rows, axis=0))
        return to_float32(self._read(self._file.fileno(), rows))

    def _read(self, file: int, rows: NDArray[np.int64]) -> NDArray[np.float16]:
        size = self._array.strides[0]
        read = b"".join([os.pread(file, size, self._start + row * size) for row in rows.tolist()])
        if len(read) != len(rows) * size:
            raise IndexError(f"a row of {rows} is not among {len(self._array)}")
        return np.frombuffer(read, np.float16).reshape(len(rows), self._array.shape[1])


def searched_vectors(layout: SegmentLayout) -> MappedVectors:
    """Open the vectors of a segment's FAISS index: with titles mixed in, or adapted, if such."""
    found = (path for path in (layout.searched, layout.adapted) if path.exists())
    return MappedVectors(next(found, layout.vectors))


def to_float32(halves: NDArray[np.float16]) -> FloatArray:
    """Convert float16 as `astype(np.float32)` does for finite values, in a third of the time.

    The bits of a half float, shifted to the exponent and fraction of a single, are its value times
    2 ** -112: the two formats' exponent biases differ by 112.
    """
    bits = halves.view(np.int16).astype(np.int32)
    bits <<= _FRACTION_SHIFT
    bits &= _SIGN_EXPONENT_FRACTION
    singles = bits.view(np.float32)
    singles *= _BIASES
    return singles


def _header(file: Any) -> tuple[tuple[int, int], np.dtype[Any], int]:
    if npy.read_magic(file) != (1, 0):
        raise ValueError("not a .npy file of version 1.0")
    shape, fortran_order, dtype = npy.read_array_header_1_0(file)
    if fortran_order or len(shape) != _DIMENSIONS or dtype != np.float16:
        raise ValueError("not rows of float16")
    return (shape[0], shape[1]), dtype, file.tell()
