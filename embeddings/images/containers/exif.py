"""EXIF orientation: the one value that is read from EXIF data."""

from __future__ import annotations

import struct

__all__ = ["exif_orientation"]

_ORIENTATION = 0x0112
_UPRIGHT = 1
_ORIENTATIONS = range(1, 9)
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
# TIFF types that writers use for the tag; the standard says SHORT (EXIF 2.32, 4.6.4).
_TYPES = {1: "B", 3: "H", 4: "I"}


def exif_orientation(exif: bytes) -> int:
    """Read the orientation from an EXIF block, with or without its `Exif` prefix.

    Only the first directory's entries are read, so that no amount of damaged, looping or giant
    metadata costs anything.

    Returns:
        1 to 8 as EXIF 2.32 defines them; 1 (upright) where the tag is missing or invalid.
    """
    exif = exif.removeprefix(b"Exif\0\0")
    order = _BYTE_ORDERS.get(exif[:4])
    if order is None:
        return _UPRIGHT
    try:
        (directory,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", exif, entry)
            if tag == _ORIENTATION:
                value: int = struct.unpack_from(order + _TYPES.get(kind, "H"), exif, entry + 8)[0]
                return value if value in _ORIENTATIONS else _UPRIGHT
    except struct.error:
        pass
    return _UPRIGHT
