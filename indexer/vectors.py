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
# may stay so; of larger ones the mapping is dropped after as many rows as would fill it. Reading on
# costs page faults, not disk reads: the system's cache is not dropped.
_RESIDENT_BYTES = 1 << 30
_RESIDENT_ROWS = _RESIDENT_BYTES // (128 * 1024)


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
        self._bounded = len(self._map) > _RESIDENT_BYTES
        self._taken = 0

    @property
    def array(self) -> NDArray[np.float16]:
        """All vectors, `[n, dim]`, read-only."""
        return self._array

    def take(self, rows: NDArray[np.int64]) -> FloatArray:
        """Some rows as float32, `[len(rows), dim]`."""
        taken = self._array.take(rows, axis=0).astype(np.float32)
        if self._bounded:
            self._taken += len(rows)
            if self._taken > _RESIDENT_ROWS:
                self._taken = 0
                self.release()
        return taken

    def release(self) -> None:
        """Give mapped pages back; they are mapped again when next read."""
        self._map.madvise(mmap.MADV_DONTNEED)


def _header(file: Any) -> tuple[tuple[int, int], np.dtype[Any], int]:
    if npy.read_magic(file) != (1, 0):
        raise ValueError("not a .npy file of version 1.0")
    shape, fortran_order, dtype = npy.read_array_header_1_0(file)
    if fortran_order or len(shape) != 2 or dtype != np.float16:
        raise ValueError("not rows of float16")
    return (shape[0], shape[1]), dtype, file.tell()
