"""WebP: reads its RIFF chunks; the first frame and the orientation are kept."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from embeddings.images.containers.base import (
    MAX_PARTS,
    MAX_PROFILE_BYTES,
    Container,
    broken,
    check_pixels,
    cut_short,
)
from embeddings.images.containers.exif import exif_orientation

__all__ = ["read_webp"]

_FIRST_CHUNK = 12
# Of each of these the first is kept; an animation's further frames are further ANMF chunks.
_KEPT = {b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L"}


def read_webp(data: bytes, limit: int) -> Container:
    """Check a WebP file and keep its first frame; `limit` is in pixels.

    Raises:
        ImageError: As `unwrap` says.
    """
    width, height = _canvas(data)
    check_pixels(width, height, limit)
    orientation, profile = 1, b""
    kept: dict[bytes, bytes] = {}
    for kind, first, after in _chunks(data):
        if kind in _KEPT and kind not in kept:
            padding = b"\0" * ((after - first) & 1)
            kept[kind] = data[first - 8 : after] + padding
        elif kind == b"EXIF":
            orientation = exif_orientation(data[first:after])
        elif kind == b"ICCP" and after - first <= MAX_PROFILE_BYTES:
            profile = profile or data[first:after]
    payload = b"".join(kept.values())
    whole = struct.pack("<4sI4s", b"RIFF", 4 + len(payload), b"WEBP") + payload
    return Container("WEBP", width, height, whole, orientation, profile=profile)


def _canvas(data: bytes) -> tuple[int, int]:
    """Return the size that the first chunk declares (RFC 9649, sections 2.5 to 2.7)."""
    kind = data[_FIRST_CHUNK : _FIRST_CHUNK + 4]
    body = _FIRST_CHUNK + 8
    match kind:
        case b"VP8X":
            width = int.from_bytes(data[body + 4 : body + 7], "little") + 1
            height = int.from_bytes(data[body + 7 : body + 10], "little") + 1
            return width, height
        case b"VP8L":
            (packed,) = struct.unpack_from("<I", data, body + 1)
            return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, body + 6)
            return width & 0x3FFF, height & 0x3FFF
        case _:
            raise broken("WebP", "it doesn't start with an image")


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Walk the chunks; yields (type, first byte of the contents, byte after them)."""
    (riff,) = struct.unpack_from("<I", data, 4)
    stop = 8 + riff
    # Some writers leave the padding of the last chunk out.
    if stop > len(data) + 1:
        raise cut_short("WebP")
    at = _FIRST_CHUNK
    for _ in range(MAX_PARTS):
        if at >= stop:
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        first, after = at + 8, at + 8 + length
        if after > min(stop, len(data)):
            raise cut_short("WebP")
        yield kind, first, after
        at = after + (length & 1)
    raise broken("WebP", "too many chunks")
