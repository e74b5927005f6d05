"""Text lines: reads a text file by physical lines, whatever their length and content."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from indexer.catalog.quoting import quote_for_message
from indexer.errors import CatalogError

__all__ = ["MAX_RECORD_BYTES", "Line", "count_lines", "read_lines"]

# Bytes of one row. Thousands of words and image paths fit; an unclosed quote, or a file without
# line ends, does not fill the memory.
MAX_RECORD_BYTES = 2**20

_CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class Line:
    """One physical line.

    Attributes:
        number: From 1.
        content: Its bytes with the line end; empty if it is too long.
        too_long: Whether it has more than `MAX_RECORD_BYTES` bytes.
    """

    number: int
    content: bytes
    too_long: bool = False


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a file; lines end with LF or CR LF, a byte order mark is dropped.

    Raises:
        CatalogError: The file is UTF-16 or UTF-32, by its byte order mark.
        OSError: It can't be read.
    """
    with path.open("rb") as file:
        number = 0
        while content := file.readline(MAX_RECORD_BYTES + 1):
            number += 1
            line = _without_mark(path, content) if number == 1 else content
            if len(line) <= MAX_RECORD_BYTES:
                yield Line(number, line)
                continue
            while content and not content.endswith(b"\n"):
                content = file.readline(_CHUNK_BYTES)
            yield Line(number, b"", too_long=True)


def count_lines(path: Path) -> int:
    """Count the lines of a file, an unfinished last one included."""
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count + (last != b"\n")


def _without_mark(path: Path, content: bytes) -> bytes:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise CatalogError(f"{quote_for_message(path.name)} is UTF-16 text; save it as UTF-8")
    return content.removeprefix(codecs.BOM_UTF8)
