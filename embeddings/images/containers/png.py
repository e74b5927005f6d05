"""PNG: a walk over its chunks; text, profiles and animation are left behind."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from embeddings.images.containers.base import (
    MAX_PARTS,
    Container,
    broken,
    check_pixels,
    cut_short,
    unsupported,
)
from embeddings.images.containers.exif import exif_orientation

__all__ = ["read_png"]

_SIGNATURE = 8
_GREY, _RGB, _PALETTE = 0, 2, 3
# The chunks that show in the pixels, in the order that the standard wants.
_SHOWN = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _colour_key(body: bytes, depth: int, colour: int) -> bytes:
    """Bring the transparent colour to the 8 bits per sample that Pillow compares it with.

    Pillow scales samples of 1, 2 and 4 bits up and cuts RGB of 16 bits down to their high byte, but
    leaves the key as it stands (grey of 16 bits stays whole).
    """
    samples = struct.unpack(f">{len(body) // 2}H", body[: len(body) // 2 * 2])
    if colour == _GREY and depth in (2, 4):
        samples = tuple((s & ((1 << depth) - 1)) * 255 // ((1 << depth) - 1) for s in samples)
    elif colour == _RGB:
        samples = tuple(s >> 8 if depth == 16 else s & 255 for s in samples)
    return struct.pack(f">{len(samples)}H", *samples)


def _header(data: bytes, limit: int) -> tuple[int, int, int, int]:
    length, kind, width, height, depth, colour = struct.unpack_from(">I4sIIBB", data, _SIGNATURE)
    if kind != b"IHDR" or length != 13:
        raise broken("PNG", "it doesn't start with a header")
    check_pixels(width, height, limit)
    if not width or not height:
        raise broken("PNG", "it declares no size")
    return width, height, depth, colour


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Walk the chunks up to IEND; gives (type, first byte of the contents, byte after them)."""
    at = _SIGNATURE
    for _ in range(MAX_PARTS):
        length, kind = struct.unpack_from(">I4s", data, at)
        first, after = at + 8, at + 8 + length
        at = after + 4
        if at > len(data):
            raise cut_short("PNG")
        if kind == b"IEND":
            return
        yield kind, first, after
    raise broken("PNG", "too many chunks")


def _check_sum(data: bytes, first: int, after: int) -> None:
    (checksum,) = struct.unpack_from(">I", data, after)
    if zlib.crc32(memoryview(data)[first - 4 : after]) != checksum:
        raise broken("PNG", "a checksum is wrong")


def read_png(data: bytes, limit: int) -> Container:
    """Check a PNG file and keep its still picture; `limit` is in pixels.

    Checksums are checked for every chunk that is kept, so that a flipped bit in the pixels is an
    error, not noise.

    Raises:
        ImageError: As `embeddings.containers.unwrap` says.
    """
    width, height, depth, colour = _header(data, limit)
    orientation = 1
    kept: dict[bytes, bytes] = {}
    pixels: list[bytes] = []
    for kind, first, after in _chunks(data):
        if kind in _SHOWN:
            _check_sum(data, first, after)
        if kind == b"IDAT":
            pixels.append(data[first:after])
        elif kind in _SHOWN:
            kept.setdefault(kind, data[first:after])
        elif kind == b"eXIf":
            orientation = exif_orientation(data[first:after])
        elif not kind[0] & 0x20:
            raise unsupported("PNG", "unknown critical chunks")
    if not pixels or (colour == _PALETTE and b"PLTE" not in kept):
        raise broken("PNG", "it holds no picture")
    if b"tRNS" in kept and colour != _PALETTE:
        kept[b"tRNS"] = _colour_key(kept[b"tRNS"], depth, colour)
    kept[b"IDAT"] = b"".join(pixels)
    order = [kind for kind in _SHOWN if kind in kept]
    whole = [data[:_SIGNATURE], *(_chunk(kind, kept[kind]) for kind in order), _chunk(b"IEND", b"")]
    return Container("PNG", width, height, b"".join(whole), orientation)
