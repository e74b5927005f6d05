"""PNG: reads its chunks; text, profiles and animation are left behind."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from embeddings.images.coded_colours import chromatic_profile, coded_profile
from embeddings.images.containers.base import (
    MAX_PARTS,
    MAX_PROFILE_BYTES,
    Container,
    broken,
    check_pixels,
    cut_short,
    unsupported,
)
from embeddings.images.containers.exif import exif_orientation

__all__ = ["read_png"]

_SIGNATURE_BYTES = 8
_HEADER_BYTES = 13
_GREY, _RGB, _PALETTE = 0, 2, 3
_SHALLOW_DEPTHS = (2, 4)
_DEEP = 16
# The chunks that the pixels depend on, in the order that the standard wants.
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
# The bit of a chunk type's first byte that says that a decoder may skip it (PNG, 5.4).
_ANCILLARY = 0x20
# cHRM and gAMA hold numbers times this.
_FIXED = 100_000
_END = b"\0\0\0\0IEND\xae\x42\x60\x82"


def read_png(data: bytes, limit: int) -> Container:
    """Check a PNG file and keep its still image; `limit` is in pixels.

    Checksums are checked for every chunk that is kept, so that a flipped bit in the pixels is an
    error, not noise.

    Raises:
        ImageError: As `unwrap` says.
    """
    header = _Header.read(data, limit)
    orientation, colours = 1, dict[bytes, bytes]()
    kept: dict[bytes, bytes] = {}
    pixels: list[bytes] = []
    for kind, first, after in _chunks(data):
        match kind:
            case b"IDAT":
                pixels.append(_checked(data, first, after))
            case b"IHDR" | b"PLTE" | b"tRNS":
                kept.setdefault(kind, _checked(data, first, after))
            case b"eXIf":
                orientation = exif_orientation(data[first:after])
            case b"iCCP" | b"cICP" | b"sRGB" | b"cHRM" | b"gAMA":
                colours.setdefault(kind, data[first:after])
            case _ if not kind[0] & _ANCILLARY:
                raise unsupported("PNG", "unknown critical chunks")
    if not pixels or (header.colour == _PALETTE and b"PLTE" not in kept):
        raise broken("PNG", "it holds no image")
    if b"tRNS" in kept and header.colour != _PALETTE:
        kept[b"tRNS"] = header.colour_key(kept[b"tRNS"])
    kept[b"IDAT"] = b"".join(pixels)
    chunks = [_chunk(kind, kept[kind]) for kind in _KEPT if kind in kept]
    whole = b"".join((data[:_SIGNATURE_BYTES], *chunks, _chunk(b"IEND", b"")))
    return Container(
        "PNG", header.width, header.height, whole, orientation, profile=_colours(colours)
    )


@dataclass(frozen=True, slots=True)
class _Header:
    width: int
    height: int
    depth: int
    colour: int

    @classmethod
    def read(cls, data: bytes, limit: int) -> _Header:
        length, kind, *fields = struct.unpack_from(">I4sIIBB", data, _SIGNATURE_BYTES)
        header = cls(*fields)
        if kind != b"IHDR" or length != _HEADER_BYTES:
            raise broken("PNG", "it doesn't start with a header")
        check_pixels(header.width, header.height, limit)
        if not header.width or not header.height:
            raise broken("PNG", "it declares no size")
        return header

    def colour_key(self, body: bytes) -> bytes:
        """Convert the transparent colour to the 8 bits per sample that Pillow compares it with.

        Pillow scales samples of 1, 2 and 4 bits up and cuts RGB of 16 bits down to their high byte,
        but leaves the key as it is (grey of 16 bits stays whole).
        """
        samples = struct.unpack(f">{len(body) // 2}H", body[: len(body) // 2 * 2])
        if self.colour == _GREY and self.depth in _SHALLOW_DEPTHS:
            top = (1 << self.depth) - 1
            samples = tuple((sample & top) * 255 // top for sample in samples)
        elif self.colour == _RGB and self.depth == _DEEP:
            samples = tuple(sample >> 8 for sample in samples)
        elif self.colour == _RGB:
            samples = tuple(sample & 255 for sample in samples)
        return struct.pack(f">{len(samples)}H", *samples)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Walk the chunks up to IEND; yields (type, first byte of the contents, byte after them).

    A file may end before IEND: whether all pixels are there, their decoder sees.
    """
    at = _SIGNATURE_BYTES
    for _ in range(MAX_PARTS):
        if len(data) - at < len(_END) and _END.startswith(data[at:]):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        first, after = at + 8, at + 8 + length
        at = after + 4
        if at > len(data):
            raise cut_short("PNG")
        if kind == b"IEND":
            return
        yield kind, first, after
    raise broken("PNG", "too many chunks")


def _colours(chunks: dict[bytes, bytes]) -> bytes:
    """Return the ICC profile that the chunks of colours declare, in the order of browsers (4.3).

    Empty for sRGB.
    """
    try:
        if b"cICP" in chunks:
            primaries, transfer, matrix, whole = struct.unpack(">4B", chunks[b"cICP"])
            if not matrix and whole:
                return coded_profile(primaries, transfer)
        if b"iCCP" in chunks and (profile := _profile(chunks[b"iCCP"])):
            return profile
        # Browsers use neither of the two alone.
        if b"sRGB" not in chunks and b"cHRM" in chunks and b"gAMA" in chunks:
            values = [value / _FIXED for value in struct.unpack(">8I", chunks[b"cHRM"])]
            white, *points = zip(values[::2], values[1::2], strict=True)
            (gamma,) = struct.unpack(">I", chunks[b"gAMA"])
            return chromatic_profile((*points, white), gamma / _FIXED)
    except struct.error:
        pass  # a damaged chunk says nothing
    return b""


def _profile(body: bytes) -> bytes:
    """Return the ICC profile of an `iCCP` chunk; empty if it is damaged or too large."""
    _, _, rest = body.partition(b"\0")
    inflate = zlib.decompressobj()
    try:
        profile = inflate.decompress(rest[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return b""
    return profile if inflate.eof else b""


def _checked(data: bytes, first: int, after: int) -> bytes:
    """Return a chunk's contents after checking its checksum."""
    (checksum,) = struct.unpack_from(">I", data, after)
    if zlib.crc32(memoryview(data)[first - 4 : after]) != checksum:
        raise broken("PNG", "a checksum is wrong")
    return data[first:after]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
