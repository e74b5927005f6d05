"""Files of an index in memory: small ones are read, large ones are mapped.

A mapped file shares its pages between processes, and only what is read stays in memory. But when
another program cuts it short, reading beyond its end kills the process (SIGBUS), and what is
written into it shows at once. Small files are read as a whole, so that nothing can happen to them.
"""

from __future__ import annotations

import contextlib
import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["is_mapped", "load_array", "map_file"]

# Bytes up to which a file is read. Most shops' files are smaller; and of a file this small, nearly
# all pages are soon in memory anyway.
_READ_BYTES = 16 * 2**20


def is_mapped(size: int) -> bool:
    """Return whether a file of some bytes is mapped, and not read."""
    return size > _READ_BYTES


def map_file(path: Path) -> mmap.mmap | bytes:
    """Return the content of a file, read or mapped.

    Huge pages are switched off. With them the system maps two megabytes around each row that is
    read, and a few random reads keep all of a large file in memory.

    Raises:
        OSError: The file can't be read.
    """
    with path.open("rb") as file:
        if not is_mapped(path.stat().st_size):
            return file.read()
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with contextlib.suppress(AttributeError, OSError):  # a system without huge pages
        mapped.madvise(mmap.MADV_NOHUGEPAGE)
    return mapped


def load_array(path: Path) -> NDArray[Any]:
    """Return the array of a `.npy` file, read or mapped.

    Raises:
        OSError: The file can't be read.
        ValueError: It holds no array.
    """
    array: NDArray[Any] = np.load(
        path, mmap_mode="r" if is_mapped(path.stat().st_size) else None, allow_pickle=False
    )
    return array
