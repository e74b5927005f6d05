"""WebP: a walk over its RIFF chunks; the first frame and the orientation are kept."""

from __future__ import annotations

import struct

from embeddings.images.containers.base import MAX_PARTS, Container, broken, check_pixels, cut_short
from embeddings.images.containers.exif import exif_orientation

__all__ = ["read_webp"]

_ONCE = {b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L"}


def _canvas(kind: bytes, data: bytes, body: int) -> tuple[int, int]:
    """The size that the first chunk declares (RFC 9649, sections 2.5 to 2.7)."""
    if kind == b"VP8X":
        width = int.from_bytes(data[body + 4 : body + 7], "little") + 1
        height = int.from_bytes(data[body + 7 : body + 10], "little") + 1
        return width, height
    if kind == b"VP8L":
        (packed,) = struct.unpack_from("<I", data, body + 1)
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, body + 6)
        return width & 0x3FFF, height & 0x3FFF
    raise broken("WebP", "it doesn't start with a picture")


def read_webp(data: bytes, limit: int) -> Container:
    """Check a WebP file and keep its first frame; `limit` is in pixels.

    Raises:
        ImageError: As `embeddings.containers.unwrap` says.
    """
    riff, kind = struct.unpack_from("<I4x4s", data, 4)
    width, height = _canvas(kind, data, 20)
    check_pixels(width, height, limit)
    stop = 8 + riff
    if stop > len(data):
        raise cut_short("WebP")
    orientation = 1
    kept: dict[bytes, bytes] = {}
    at = 12
    for _ in range(MAX_PARTS):
        if at >= stop:
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        body = at + 8
        if body + length > stop:
            raise cut_short("WebP")
        at = body + length + (length & 1)
        if kind in _ONCE and kind not in kept:
            kept[kind] = data[body - 8 : body + length] + b"\0" * (length & 1)
        elif kind == b"EXIF":
            orientation = exif_orientation(data[body : body + length])
    else:
        raise broken("WebP", "too many chunks")
    payload = b"".join(kept.values())
    whole = struct.pack("<4sI4s", b"RIFF", 4 + len(payload), b"WEBP") + payload
    return Container("WEBP", width, height, whole, orientation)
