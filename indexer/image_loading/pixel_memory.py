"""Pixel memory: arrays of pixels that worker processes fill and their parent reads."""

from __future__ import annotations

import mmap
import os
import tempfile
from multiprocessing import reduction
from typing import Any

import numpy as np

from embeddings import PixelArray

__all__ = ["PixelMemory"]


class PixelMemory:
    """A uint8 array in memory that processes share.

    It has no name in the file system, so nothing is left of it once the last process that has it
    open has ended, however it ended. (`multiprocessing.shared_memory` has a name, and its resource
    tracker takes care of that only while nobody kills it too.) It is handed to a process when that
    is started, as an argument; it can't be pickled at any other time.

    Args:
        shape: Of the array.

    Attributes:
        array: The array; memory is used only where it was written.

    Raises:
        OSError: There is no memory.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._handle = _anonymous_file()
        size = int(np.prod(shape, dtype=np.int64))
        os.ftruncate(self._handle, max(1, size))
        self._map(shape)

    def close(self) -> None:
        """Close the file; the array stays usable, but no further process can open it."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __getstate__(self) -> dict[str, Any]:
        return {"shape": self.array.shape, "handle": reduction.DupFd(self._handle)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._handle = state["handle"].detach()
        self._map(state["shape"])
        self.close()  # the mapping keeps the memory

    def _map(self, shape: tuple[int, ...]) -> None:
        size = int(np.prod(shape, dtype=np.int64))
        memory = mmap.mmap(self._handle, max(1, size))
        self.array: PixelArray = np.frombuffer(memory, np.uint8, size).reshape(shape)


def _anonymous_file() -> int:
    """Return the handle of a file in memory; of a deleted temporary file where there are none."""
    if hasattr(os, "memfd_create"):
        # Not in /dev/shm, which containers keep small: a full one kills the process that writes.
        return os.memfd_create("lookalike-pixels", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
