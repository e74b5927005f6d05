"""AVIF: reads its boxes, down to the still image and the sizes that it declares."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from embeddings.images.containers.av1 import frame_sizes
from embeddings.images.containers.base import (
    MAX_PARTS,
    Container,
    broken,
    check_pixels,
    cut_short,
    unsupported,
)

__all__ = ["is_avif", "read_avif"]

_BRANDS = {b"avif", b"avis"}
_MAX_FIRST_BOX = 256  # bytes; room for some 60 brands
_FULL_BOX = 4  # bytes of version and flags, before the contents of some boxes
_PADDING = b"skip"  # the type of a box or item that readers pass over
# An image may have a mask and a smaller preview, each coded as an image of its own.
_LAYERS = 3
# Versions of the `infe` and `iloc` boxes in which item numbers have four bytes, not two.
_WIDE_INFE, _WIDE_ILOC = 3, 2


def is_avif(data: bytes) -> bool:
    """Tell whether the first box names an AVIF brand; HEIC files name others."""
    return bool(_brands(data))


def read_avif(data: bytes, limit: int) -> Container:
    """Check an AVIF file and keep its still image; `limit` is in pixels.

    The size returned is the largest of any image inside (previews and masks are no larger than the
    image they belong to); the orientation is left to the decoder.

    Raises:
        ImageError: As `unwrap` says.
    """
    boxes = list(_boxes(data, 0, len(data)))
    meta = next((box for box in boxes if box.kind == b"meta"), None)
    if meta is None:
        raise unsupported("AVIF", "a film but no still image")
    largest = (0, 0)
    for box in _inside(data, meta, b"iprp", b"ipco", b"ispe"):
        width, height = struct.unpack_from(">II", data, box.first + _FULL_BOX)
        check_pixels(width, height, limit)
        largest = max(largest, (width, height), key=lambda size: size[0] * size[1])
    if not all(largest):
        raise broken("AVIF", "it declares no size")
    _check_frames(data, meta, limit)
    return Container("AVIF", *largest, _still(data, boxes, meta))


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    first: int  # of the contents
    after: int


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


def _boxes(data: bytes, start: int, stop: int) -> Iterator[_Box]:
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
            raise cut_short("AVIF")
        yield _Box(kind, start, start + header, start + size)
        start += size
    raise broken("AVIF", "too many boxes")


def _inside(data: bytes, meta: _Box, *path: bytes) -> Iterator[_Box]:
    """Yield the boxes at a path below `meta`."""
    level = [meta]
    for kind in path:
        level = [
            box
            for outer in level
            for box in _boxes(data, outer.first + _FULL_BOX * (outer is meta), outer.after)
            if box.kind == kind
        ]
    yield from level


def _brands(data: bytes) -> list[int]:
    size = min(int.from_bytes(data[:4], "big"), len(data), _MAX_FIRST_BOX)
    return [at for at in (8, *range(16, size, 4)) if data[at : at + 4] in _BRANDS]


def _items(data: bytes, meta: _Box) -> Iterator[tuple[int, int]]:
    """Yield (id, place of the four type bytes) of every item (8.11.6)."""
    for table in _inside(data, meta, b"iinf"):
        entries = table.first + _FULL_BOX + (4 if data[table.first] else 2)
        for item in _boxes(data, entries, table.after):
            id_bytes = 4 if data[item.first] == _WIDE_INFE else 2
            number = _Cursor(data, item.first + _FULL_BOX).take(id_bytes)
            yield number, item.first + _FULL_BOX + id_bytes + 2


def _extents(data: bytes, meta: _Box) -> Iterator[tuple[int, int, int]]:
    """Yield (id, first byte, length) of every stretch of every item's data (8.11.3)."""
    pool = next(_inside(data, meta, b"idat"), None)
    for table in _inside(data, meta, b"iloc"):
        version = data[table.first]
        cursor = _Cursor(data, table.first + _FULL_BOX)
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
                raise unsupported("AVIF", "this way of storing data")
            for _ in range(cursor.take(2)):
                cursor.take(index_size)
                first = base + cursor.take(sizes >> 4)
                length = cursor.take(sizes & 15)
                yield number, first, length or len(data) - first


def _check_frames(data: bytes, meta: _Box, limit: int) -> None:
    """Refuse coded frames over the limit: they may be larger than the boxes around them say."""
    stretches: dict[int, list[tuple[int, int]]] = {
        number: [] for number, at in _items(data, meta) if data[at : at + 4] == b"av01"
    }
    for number, first, length in _extents(data, meta):
        if first + length > len(data):
            raise cut_short("AVIF")
        if number in stretches:
            stretches[number].append((first, length))
    # Equal images, such as the tiles of a plain background, may share their bytes.
    streams = Counter(map(tuple, stretches.values()))
    if sum(length for stream in streams for _, length in stream) > len(data):
        raise broken("AVIF", "its images overlap")
    pixels = 0
    for stream, times in streams.items():
        joined = b"".join(data[first : first + length] for first, length in stream)
        for width, height in frame_sizes(joined):
            check_pixels(width, height, limit)
            pixels += times * width * height
    if pixels > _LAYERS * limit:
        raise broken("AVIF", "too many images in one")


def _still(data: bytes, boxes: list[_Box], meta: _Box) -> bytes:
    """Return the file with its still image only.

    Films are dropped, and EXIF items are renamed so that a damaged one can't spoil the image; in
    AVIF the rotation is a property of the image (`irot`, `imir`), and EXIF's is void.
    """
    cleaned = bytearray(data)
    for at in _brands(data):
        cleaned[at : at + 4] = b"avif"
    # Tells the decoder to read the still image, not the film.
    cleaned[8:12] = b"avif"
    for box in boxes:
        if box.kind == b"moov":
            cleaned[box.start + 4 : box.start + 8] = _PADDING
    for _, at in _items(data, meta):
        if data[at : at + 4] == b"Exif":
            cleaned[at : at + 4] = _PADDING
    return bytes(cleaned)
