"""AVIF: its boxes, down to the sizes they declare and the metadata they name."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from embeddings.containers.base import (
    MAX_PARTS,
    Container,
    broken,
    check_pixels,
    cut_short,
    unsupported,
)

__all__ = ["is_avif", "read_avif"]

_BRANDS = {b"avif", b"avis"}
_FULL_BOX = 4  # version and flags, before the contents of some boxes


def _boxes(data: bytes, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Walk boxes; gives (type, first byte of the contents, byte after) (ISO/IEC 14496-12, 4.2)."""
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
        yield kind, start + header, start + size
        start += size
    raise broken("AVIF", "too many boxes")


def _inside(data: bytes, start: int, stop: int, *path: bytes) -> Iterator[tuple[int, int]]:
    """Find the boxes at a path; gives their contents' (first byte, byte after)."""
    for kind, first, after in _boxes(data, start, stop):
        if kind == path[0]:
            if len(path) == 1:
                yield first, after
            else:
                skip = _FULL_BOX if kind == b"meta" else 0
                yield from _inside(data, first + skip, after, *path[1:])


def is_avif(data: bytes) -> bool:
    """Whether the first box names an AVIF brand, main or compatible; HEIC files name others."""
    size = min(int.from_bytes(data[:4], "big"), len(data), 256)
    return any(data[at : at + 4] in _BRANDS for at in (8, *range(16, size, 4)))


def _declared_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    for first, _ in _inside(data, 0, len(data), b"meta", b"iprp", b"ipco", b"ispe"):
        yield struct.unpack_from(">II", data, first + _FULL_BOX)
    for _, after in _inside(data, 0, len(data), b"moov", b"trak", b"tkhd"):
        width, height = struct.unpack_from(">II", data, after - 8)
        yield width >> 16, height >> 16


def _without_metadata(data: bytes) -> bytes:
    """Rename EXIF items, so that a damaged one can't spoil the picture.

    Rotation is unaffected: in AVIF it is a property of the item (`irot`, `imir`), EXIF's is void.
    """
    cleaned = bytearray(data)
    for first, after in _inside(data, 0, len(data), b"meta", b"iinf"):
        entries = first + _FULL_BOX + (4 if data[first] else 2)
        for item, _ in _inside(data, entries, after, b"infe"):
            at = item + _FULL_BOX + (6 if data[item] == 3 else 4)
            if data[at : at + 4] == b"Exif":
                cleaned[at : at + 4] = b"skip"
    return bytes(cleaned)


def read_avif(data: bytes, limit: int) -> Container:
    """Check an AVIF file's boxes; `limit` is in pixels.

    The size given is the largest of any picture inside (thumbnails and masks are never larger than
    what they belong to); the orientation is left to the decoder.

    Raises:
        ImageError: As `embeddings.containers.unwrap` says.
    """
    if not is_avif(data):
        raise unsupported("HEIF", "other coding than AV1")
    largest = (0, 0)
    for size in _declared_sizes(data):
        check_pixels(*size, limit)
        largest = max(largest, size, key=lambda s: s[0] * s[1])
    if not all(largest):
        raise broken("AVIF", "it declares no size")
    return Container("AVIF", *largest, _without_metadata(data))
