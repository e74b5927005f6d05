"""BMP: reads its header and checks that all rows are there."""

from __future__ import annotations

import struct

from embeddings.images.containers.base import (
    Container,
    broken,
    check_pixels,
    cut_short,
    unsupported,
)

__all__ = ["HEADER_SIZES", "read_bmp"]

_CORE_HEADER = 12  # OS/2
# Core, info, versions 2 and 3, OS/2 version 2, versions 4 and 5.
HEADER_SIZES = {_CORE_HEADER, 40, 52, 56, 64, 108, 124}
_FILE_HEADER = 14
_UNCOMPRESSED, _BIT_FIELDS = 0, 3
_MOST_PALETTE_BITS = 8


def read_bmp(data: bytes, limit: int) -> Container:
    """Check an uncompressed BMP file; `limit` is in pixels.

    Run-length coding is refused: it may leave pixels out, and filling them in would be a guess.

    Raises:
        ImageError: As `unwrap` says.
    """
    start, header = struct.unpack_from("<II", data, 10)
    compression, colours, entry = _UNCOMPRESSED, 0, 3
    if header == _CORE_HEADER:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
        (colours,) = struct.unpack_from("<I", data, 46)
        entry = 4
    check_pixels(abs(width), abs(height), limit)
    if width <= 0 or not height:
        raise broken("BMP", "it declares no size")
    if compression not in (_UNCOMPRESSED, _BIT_FIELDS):
        raise unsupported("BMP", "compression")
    if bits <= _MOST_PALETTE_BITS and start == _FILE_HEADER + header:
        # Some writers forget to count the palette; Pillow corrects it the same way.
        start += entry * (colours or 1 << bits)
    stride = (width * bits + 31) // 32 * 4
    if not bits or start + stride * abs(height) > len(data):
        raise cut_short("BMP")
    return Container("BMP", width, abs(height), data)
