"""The vectors of a segment, memory-mapped, read a few rows at a time without filling memory."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from embeddings.encoder import FloatArray

__all__ = ["MappedVectors"]

# The system maps whole runs of a cached file around each row that is read (measured: 128 KiB a
# row), so that random reads soon hold all of a large file resident. Files up to this many bytes
# may stay so.
_SMALL_FILE = 1 << 30
# Of larger files the mapping is dropped after as many rows as fill a quarter of that. Reading on
# costs page faults, not disk reads: the system's cache is not dropped. More would save few faults,
# since candidates come from all over the file.
_ROWS_MAPPED = (1 << 28) // (128 * 1024)
# Sign, exponent and fraction of a half float's bits, moved up by 13 places.
_SIGN_EXPONENT_FRACTION = np.int32(-0x7000_2000)
_BIASES = np.float32(2.0**112)


class MappedVectors:
    """`[n, dim]` float16 vectors in a `.npy` file.

    Raises:
        OSError: The file can't be read.
        ValueError: It is no such array.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            shape, dtype, start = _header(file)
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if len(self._map) != start + shape[0] * shape[1] * dtype.itemsize:
            raise ValueError(f"{path.name} is not as long as its header says")
        flat: NDArray[np.float16] = np.frombuffer(self._map, dtype, shape[0] * shape[1], start)
        self._array = flat.reshape(shape)
        self._bounded = len(self._map) > _SMALL_FILE
        self._taken = 0

    @property
    def array(self) -> NDArray[np.float16]:
        """All vectors, `[n, dim]`, read-only."""
        return self._array

    def take(self, rows: NDArray[np.int64]) -> FloatArray:
        """Some rows as float32, `[len(rows), dim]`."""
        taken = _to_float32(self._array.take(rows, axis=0))
        if self._bounded:
            self._taken += len(rows)
            if self._taken > _ROWS_MAPPED:
                self._taken = 0
                self.release()
        return taken

    def release(self) -> None:
        """Give mapped pages back; they are mapped again when next read."""
        self._map.madvise(mmap.MADV_DONTNEED)


def _to_float32(halves: NDArray[np.float16]) -> FloatArray:
    """As `astype(np.float32)` gives it for finite values, in a third of the time.

    The bits of a half float, moved to where a single has its exponent and fraction, are that value
    times 2 ** -112, the difference of the two formats' exponent biases.
    """
    bits = halves.view(np.int16).astype(np.int32)
    bits <<= 13
    bits &= _SIGN_EXPONENT_FRACTION
    singles = bits.view(np.float32)
    singles *= _BIASES
    return singles


def _header(file: Any) -> tuple[tuple[int, int], np.dtype[Any], int]:
    if npy.read_magic(file) != (1, 0):
        raise ValueError("not a .npy file of version 1.0")
    shape, fortran_order, dtype = npy.read_array_header_1_0(file)
    if fortran_order or len(shape) != 2 or dtype != np.float16:
        raise ValueError("not rows of float16")
    return (shape[0], shape[1]), dtype, file.tell()
