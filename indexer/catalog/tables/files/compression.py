"""Compressed files: gzip, bzip2, Zstandard and zip, read as streams of bounded size."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import pyarrow as pa

from indexer.catalog.quoting import quote_for_message
from indexer.errors import CatalogError

__all__ = ["compression_of", "open_bytes", "plain_name"]

_MAGIC = re.compile(rb"(?P<gzip>\x1f\x8b\x08)|(?P<bzip2>BZh[1-9]1AY&SY)|(?P<zstd>\x28\xb5\x2f\xfd)")
_MAGIC_BYTES = 10
_ENDINGS = {".gz": "gzip", ".bz2": "bzip2", ".zst": "zstd", ".zstd": "zstd"}
_ENCRYPTED = 0x1
# A table compresses ten to a hundred times. What unpacks to more than this size, and to more than
# so many times the size of the file, was made to fill disks and memory.
_FREE_BYTES = 2**30
_MOST_RATIO = 300


def compression_of(path: Path) -> str | None:
    """Return how a file is compressed, by its first bytes: gzip, bzip2, zstd, zip or None."""
    if path.suffix.lower() == ".zip":
        return "zip"
    with path.open("rb") as file:
        found = _MAGIC.match(file.read(_MAGIC_BYTES))
    return found.lastgroup if found else None


def plain_name(path: Path) -> str:
    """Return the name of a file as if it were not compressed; of a zip archive, its table's.

    Raises:
        CatalogError: The archive is damaged, or does not hold exactly one file.
        OSError: It can't be read.
    """
    if path.suffix.lower() == ".zip":
        with _opened_zip(path) as archive:
            return PurePosixPath(_only_member(path, archive).filename).name
    return path.stem if path.suffix.lower() in _ENDINGS else path.name


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, decompressed; damage found while it is open is a `CatalogError`.

    Raises:
        CatalogError: It is damaged, encrypted, or unpacks to an unreasonable size.
        OSError: It can't be read.
    """
    kind = compression_of(path)
    if kind is None:
        with path.open("rb") as file:
            yield file
        return
    try:
        with _opened(path, kind) as stream:
            limit = max(_FREE_BYTES, _MOST_RATIO * path.stat().st_size)
            yield io.BufferedReader(_Bounded(stream, path.name, limit), 2**18)
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowException) as error:
        raise _damaged(path, kind, error) from error
    except OSError as error:
        # Damaged data is an OSError without a number.
        if error.errno is not None:
            raise
        raise _damaged(path, kind, error) from error


def _damaged(path: Path, kind: str, error: Exception) -> CatalogError:
    return CatalogError(
        f"{quote_for_message(path.name)} can't be unpacked ({kind}: "
        f"{quote_for_message(str(error))}); it is damaged or incomplete; compress it again"
    )


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[BinaryIO]:
    if kind == "zip":
        with _opened_zip(path) as archive:
            member = _only_member(path, archive)
            if member.flag_bits & _ENCRYPTED:
                raise CatalogError(
                    f"{quote_for_message(path.name)} is encrypted; unpack it with its password, "
                    "and give the table inside"
                )
            with archive.open(member) as file:
                yield file  # type: ignore[misc]
    elif kind == "gzip":
        with gzip.open(path, "rb") as file:
            yield file  # type: ignore[misc]
    elif kind == "bzip2":
        with bz2.open(path, "rb") as file:
            yield file  # type: ignore[misc]
    else:
        with path.open("rb") as source, pa.CompressedInputStream(source, "zstd") as file:
            yield file


@contextmanager
def _opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise _damaged(path, "zip", error) from error


def _only_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [m for m in archive.infolist() if not m.is_dir() and not _is_clutter(m.filename)]
    if len(members) == 1:
        return members[0]
    names = ", ".join(quote_for_message(member.filename) for member in members[:5])
    more = ", ..." if len(members) > len(names) else ""
    raise CatalogError(
        f"{quote_for_message(path.name)} has {len(members):,} files in it, and a zip archive is "
        f"read if it has one table alone ({names or 'it is empty'}{more}); unpack it, and give the "
        "table or the folder"
    )


def _is_clutter(name: str) -> bool:
    """Whether an entry was added by a file manager."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or any(part.startswith(".") for part in parts)


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than a number of bytes."""

    def __init__(self, stream: BinaryIO, name: str, limit: int) -> None:
        super().__init__()
        self._stream = stream
        self._name = name
        self._limit = self._left = limit

    def readable(self) -> bool:
        """As `io.RawIOBase.readable`."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """As `io.RawIOBase.readinto`."""
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise CatalogError(
                f"{quote_for_message(self._name)} unpacks to more than {self._limit:,} bytes, over "
                f"{_MOST_RATIO} times its size; unpack it yourself if it is what it should be"
            )
        buffer[: len(data)] = data
        return len(data)
