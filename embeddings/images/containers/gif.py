"""GIF: a walk over its blocks; the first frame is kept."""

from __future__ import annotations

import re
import struct

from embeddings.images.containers.base import Container, broken, check_pixels, cut_short

__all__ = ["read_gif"]

_EXTENSION, _IMAGE, _TRAILER, _GRAPHIC_CONTROL = 0x21, 0x2C, 0x3B, 0xF9
_HAS_TRANSPARENCY = 1
# Some writers pad between blocks with zeros; GIF89a gives zero no meaning there.
_NEXT_BLOCK = re.compile(rb"[^\0]")


def _table_size(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_sub_blocks(data: bytes, at: int) -> int:
    while length := data[at]:
        at += length + 1
    return at + 1


def _graphic_control(data: bytes, at: int) -> bytes:
    # Disposal says what happens after the frame, which is never shown; only transparency is kept.
    size, flags, _, transparent = struct.unpack_from("<BBHB", data, at + 2)
    if size != 4 or not flags & _HAS_TRANSPARENCY:
        return b""
    return bytes((_EXTENSION, _GRAPHIC_CONTROL, 4, _HAS_TRANSPARENCY, 0, 0, transparent, 0))


def read_gif(data: bytes, limit: int) -> Container:
    """Check a GIF file to its end and keep its first frame; `limit` is in pixels.

    What the first frame leaves bare of the canvas counts as transparent, as browsers have it.

    Raises:
        ImageError: As `embeddings.containers.unwrap` says.
    """
    screen_width, screen_height, flags = struct.unpack_from("<HHB", data, 6)
    check_pixels(screen_width, screen_height, limit)
    at = tables = 13 + _table_size(flags)
    control = b""
    frame: bytes | None = None
    box = (0, 0, 0, 0)
    while True:
        found = _NEXT_BLOCK.search(data, at)
        if found is None:
            raise cut_short("GIF")
        at = found.start()
        kind = data[at]
        if kind == _TRAILER:
            break
        if kind == _EXTENSION:
            if data[at + 1] == _GRAPHIC_CONTROL and frame is None:
                control = _graphic_control(data, at)
            at = _skip_sub_blocks(data, at + 2)
        elif kind == _IMAGE:
            end = _skip_sub_blocks(data, at + 11 + _table_size(data[at + 9]))
            if frame is None:
                box = struct.unpack_from("<HHHH", data, at + 1)
                frame = data[at + 5 : end]
            at = end
        else:
            raise broken("GIF", "an unknown block")
    left, top, width, height = box
    if frame is None or not width or not height:
        raise broken("GIF", "it holds no picture")
    canvas = max(screen_width, left + width), max(screen_height, top + height)
    check_pixels(*canvas, limit)
    head = data[:6] + struct.pack("<HH", width, height) + data[10:tables]
    image = bytes((_IMAGE, 0, 0, 0, 0)) + frame
    whole = b"".join((head, control, image, bytes((_TRAILER,))))
    return Container("GIF", *canvas, whole, offset=(left, top))
