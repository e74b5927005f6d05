"""ISO media boxes, of which AVIF and HEIC files are made: sizes, items and where their data is."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from embeddings.images.coded_colours import coded_profile
from embeddings.images.containers.base import (
    MAX_PARTS,
    broken,
    check_pixels,
    cut_short,
    unsupported,
)

__all__ = ["FULL_BOX", "PADDING", "Box", "Still", "brands_of", "extents_of", "inside", "items_of",
           "read_still", "void_exif"]  # fmt: skip

FULL_BOX = 4
"""Bytes of version and flags, before the contents of some boxes."""
PADDING = b"skip"
"""The type of a box or item that readers pass over."""
_MAX_FIRST_BOX = 256  # bytes; room for some 60 brands
# Versions of the `infe` and `iloc` boxes in which item numbers have four bytes, not two.
_WIDE_INFE, _WIDE_ILOC = 3, 2


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its type, and the bytes that it begins at, that its contents begin at and end at."""

    kind: bytes
    start: int
    first: int  # of the contents
    after: int


@dataclass(frozen=True, slots=True)
class Still:
    """The still image of a file.

    Attributes:
        boxes: The outermost boxes of the file.
        meta: The one that describes the image.
        size: The largest size that any image inside declares; previews and masks are no larger than
            the image that they belong to.
        profile: An ICC profile of the colours that numbers declare; empty for sRGB or none.
    """

    boxes: list[Box]
    meta: Box
    size: tuple[int, int]
    profile: bytes


class _Cursor:
    """Reads big-endian numbers of 0, 1, 2, 4 or 8 bytes one after the other."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    def take(self, size: int) -> int:
        at, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise IndexError("past the end")
        return int.from_bytes(self._data[at : self._at], "big")


def brands_of(data: bytes, brands: AbstractSet[bytes]) -> list[int]:
    """Return the places at which the first box names one of some brands."""
    size = min(int.from_bytes(data[:4], "big"), len(data), _MAX_FIRST_BOX)
    return [at for at in (8, *range(16, size, 4)) if data[at : at + 4] in brands]


def read_still(data: bytes, name: str, limit: int) -> Still:
    """Find the still image of a file.

    Args:
        data: The file.
        name: The format, for messages.
        limit: Most pixels.

    Raises:
        ImageError: There is none, it declares no size, or one over the limit.
    """
    boxes = list(_boxes_of(data, 0, len(data)))
    meta = next((box for box in boxes if box.kind == b"meta"), None)
    if meta is None:
        raise unsupported(name, "a film but no still image")
    size = _declared_size(data, meta, limit)
    if not all(size):
        raise broken(name, "it declares no size")
    return Still(boxes, meta, size, _nclx_profile(data, meta))


def void_exif(cleaned: bytearray, data: bytes, meta: Box) -> None:
    """Rename the EXIF items of a copy of the file, so that a damaged one can't spoil the image.

    The rotation is a property of the image (`irot`, `imir`), and EXIF's is void.
    """
    for _, at in items_of(data, meta):
        if data[at : at + 4] == b"Exif":
            cleaned[at : at + 4] = PADDING


def _boxes_of(data: bytes, start: int, stop: int) -> Iterator[Box]:
    """Walk the boxes between two places (ISO/IEC 14496-12, 4.2)."""
    for _ in range(MAX_PARTS):
        if start >= stop:
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            header = 16
        elif size == 0:
            size = stop - start
        if size < header or start + size > stop:
            raise cut_short("AVIF or HEIC")
        yield Box(kind, start, start + header, start + size)
        start += size
    raise broken("AVIF or HEIC", "too many boxes")


def inside(data: bytes, meta: Box, *path: bytes) -> Iterator[Box]:
    """Yield the boxes at a path below `meta`."""
    level = [meta]
    for kind in path:
        level = [
            box
            for outer in level
            for box in _boxes_of(data, outer.first + FULL_BOX * (outer is meta), outer.after)
            if box.kind == kind
        ]
    yield from level


def items_of(data: bytes, meta: Box) -> Iterator[tuple[int, int]]:
    """Yield (id, place of the four type bytes) of every item (8.11.6)."""
    for table in inside(data, meta, b"iinf"):
        entries = table.first + FULL_BOX + (4 if data[table.first] else 2)
        for item in _boxes_of(data, entries, table.after):
            id_bytes = 4 if data[item.first] == _WIDE_INFE else 2
            number = _Cursor(data, item.first + FULL_BOX).take(id_bytes)
            yield number, item.first + FULL_BOX + id_bytes + 2


def extents_of(data: bytes, meta: Box) -> Iterator[tuple[int, int, int]]:
    """Yield (id, first byte, length) of every stretch of every item's data (8.11.3)."""
    pool = next(inside(data, meta, b"idat"), None)
    for table in inside(data, meta, b"iloc"):
        version = data[table.first]
        cursor = _Cursor(data, table.first + FULL_BOX)
        sizes, more = cursor.take(1), cursor.take(1)
        index_size = more & 15 if version else 0
        id_bytes = 4 if version == _WIDE_ILOC else 2
        for _ in range(cursor.take(id_bytes)):
            number = cursor.take(id_bytes)
            method = cursor.take(2) & 15 if version else 0
            cursor.take(2)
            base = cursor.take(more >> 4)
            if method == 1 and pool is not None:
                base += pool.first
            elif method:
                raise unsupported("AVIF or HEIC", "this way of storing data")
            for _ in range(cursor.take(2)):
                cursor.take(index_size)
                first = base + cursor.take(sizes >> 4)
                length = cursor.take(sizes & 15)
                yield number, first, length or len(data) - first


def _declared_size(data: bytes, meta: Box, limit: int) -> tuple[int, int]:
    """Return the largest size that is declared; (0, 0) for none. `limit` is in pixels.

    Raises:
        ImageTooLargeError: A size is over the limit.
    """
    largest = (0, 0)
    for box in inside(data, meta, b"iprp", b"ipco", b"ispe"):
        width, height = struct.unpack_from(">II", data, box.first + FULL_BOX)
        check_pixels(width, height, limit)
        largest = max(largest, (width, height), key=lambda size: size[0] * size[1])
    return largest


def _nclx_profile(data: bytes, meta: Box) -> bytes:
    """Return an ICC profile of the colours that numbers declare (`colr` of type `nclx`, 12.1.5).

    Empty for sRGB, and where there are none.
    """
    for box in inside(data, meta, b"iprp", b"ipco", b"colr"):
        if data[box.first : box.first + 4] == b"nclx":
            primaries, transfer = struct.unpack_from(">HH", data, box.first + 4)
            return coded_profile(primaries, transfer)
    return b""
