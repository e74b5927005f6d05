"""Verification of files against the manifest: presence, size, SHA-256, and changes since."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import DamagedIndexError
from indexer.storage.atomic_files import sha256_of
from indexer.storage.layout import (
    ADAPTED_FILES,
    COLOUR_FILES,
    FEATURE_FILES,
    LOOKUP_FILES,
    SEGMENT_FILES,
    TEXT_FILES,
    SegmentLayout,
    is_keyword_file,
)
from indexer.storage.records import FileRecord, SegmentRecord

__all__ = ["FileState", "verify_file", "verify_segment"]

# Hashing releases the interpreter lock and is bound by the disk beyond a few threads.
_HASHING_THREADS = 4


@dataclass(frozen=True)
class FileState:
    """What the file system says of a file; whoever writes into the file or replaces it changes it.

    Attributes:
        inode: Device and number of the file itself, whatever its name.
        bytes: Its size.
        changed: Nanoseconds of the last change of its content and of its attributes.
    """

    inode: tuple[int, int]
    bytes: int
    changed: tuple[int, int]

    @classmethod
    def of(cls, path: Path) -> FileState | None:
        """Return the state of a file, or None where there is none that can be read."""
        try:
            stat = path.stat()
        except OSError:
            return None
        return cls((stat.st_dev, stat.st_ino), stat.st_size, (stat.st_mtime_ns, stat.st_ctime_ns))


def verify_file(path: Path, record: FileRecord, name: str) -> None:
    """Check one file against its record.

    Args:
        path: The file.
        record: The size and hash that the manifest gives.
        name: How messages name the file.

    Raises:
        DamagedIndexError: The file is missing, unreadable or changed.
    """
    try:
        intact = path.stat().st_size == record.bytes and sha256_of(path) == record.sha256
    except OSError as error:
        raise DamagedIndexError(f"{name} is missing or can't be read.") from error
    if not intact:
        raise DamagedIndexError(f"{name} was changed after it was written.")


def verify_segment(layout: SegmentLayout, record: SegmentRecord) -> Mapping[str, FileState | None]:
    """Check every file of a segment against the manifest.

    Returns:
        The state of each file just before it was checked, by its name.

    Raises:
        DamagedIndexError: The manifest lists other files than a segment has, or a file is missing,
            unreadable or changed.
    """
    if not _lists_a_segment(record.files):
        raise DamagedIndexError(f"The manifest of segment {record.id} does not list its files.")
    states = {name: FileState.of(layout.root / name) for name in record.files}
    with ThreadPoolExecutor(_HASHING_THREADS) as pool:
        checks = [
            pool.submit(verify_file, layout.root / name, expected, f"{record.id}/{name}")
            for name, expected in record.files.items()
        ]
    for check in checks:
        check.result()
    return states


def _lists_a_segment(files: Mapping[str, FileRecord]) -> bool:
    names = {name for name in files if not is_keyword_file(name)}
    optional = {*TEXT_FILES, *COLOUR_FILES, *ADAPTED_FILES, *FEATURE_FILES}
    known = {*SEGMENT_FILES, *LOOKUP_FILES, *optional}
    return set(SEGMENT_FILES) <= names <= known
