"""Memory maps of files: pages are read on first use and shared between processes."""

from __future__ import annotations

import contextlib
import mmap
from pathlib import Path

__all__ = ["map_file"]


def map_file(path: Path) -> mmap.mmap | bytes:
    """Map a file for reading; an empty file, which can't be mapped, gives empty bytes.

    Huge pages are switched off. With them the system maps two megabytes around each row that is
    read, and a few random reads keep all of a large file in memory.

    Raises:
        OSError: The file can't be read.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:
            return b""
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with contextlib.suppress(AttributeError, OSError):  # a system without huge pages
        mapped.madvise(mmap.MADV_NOHUGEPAGE)
    return mapped
