"""Files mapped into memory for reading: pages are shared between processes, and read when used."""

from __future__ import annotations

import contextlib
import mmap
from pathlib import Path

__all__ = ["map_file"]


def map_file(path: Path) -> mmap.mmap | bytes:
    """The bytes of a file, mapped; empty files, which can't be, as empty bytes.

    Pages are mapped few at a time. Where the system keeps files in huge pages, it would map two
    megabytes around each row that is read, and a few random reads would hold all of a large file
    resident.

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
