"""GIF: reads its blocks to the end and keeps the first frame."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from enum import IntEnum

from embeddings.images.containers.base import Container, broken, check_pixels

__all__ = ["read_gif"]


class _Block(IntEnum):
    EXTENSION = 0x21
    IMAGE = 0x2C
    TRAILER = 0x3B


_GRAPHIC_CONTROL = 0xF9
_GRAPHIC_CONTROL_BYTES = 4
_HAS_TRANSPARENCY = 1
_SCREEN = 6  # where the logical screen descriptor begins
_SCREEN_END = 13
# An image descriptor and the code size after its colour table (GIF89a, 20 and 22).
_IMAGE_HEADER = 11
# Some writers pad between blocks with zeros; GIF89a gives zero no meaning there.
_NEXT_BLOCK = re.compile(rb"[^\0]")


def read_gif(data: bytes, limit: int) -> Container:
    """Check a GIF file to its end and keep its first frame; `limit` is in pixels.

    The part of the canvas that the first frame doesn't cover counts as transparent, as in browsers.

    Raises:
        ImageError: As `unwrap` says.
    """
    screen_width, screen_height, flags = struct.unpack_from("<HHB", data, _SCREEN)
    check_pixels(screen_width, screen_height, limit)
    tables_end = _SCREEN_END + _table_size(flags)
    control, frame = b"", b""
    left = top = width = height = 0
    for kind, first, after in _blocks(data, tables_end):
        if frame:
            continue  # only the end of the file is still of interest
        if kind == _Block.IMAGE:
            left, top, width, height = struct.unpack_from("<HHHH", data, first + 1)
            frame = data[first + 5 : after]
        elif data[first + 1] == _GRAPHIC_CONTROL:
            control = _graphic_control(data, first)
    if not width or not height:
        raise broken("GIF", "it holds no image")
    canvas = max(screen_width, left + width), max(screen_height, top + height)
    check_pixels(*canvas, limit)
    head = data[:_SCREEN] + struct.pack("<HH", width, height) + data[_SCREEN + 4 : tables_end]
    image = bytes((_Block.IMAGE, 0, 0, 0, 0)) + frame
    whole = b"".join((head, control, image, bytes((_Block.TRAILER,))))
    return Container("GIF", *canvas, whole, offset=(left, top))


def _blocks(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Walk the blocks before the trailer, which may be missing at the end.

    Yields:
        (kind, first byte, byte after the last) of each.
    """
    while found := _NEXT_BLOCK.search(data, at):
        first = found.start()
        kind = data[first]
        match kind:
            case _Block.TRAILER:
                return
            case _Block.EXTENSION:
                at = _skip_sub_blocks(data, first + 2)
            case _Block.IMAGE:
                at = _skip_sub_blocks(data, first + _IMAGE_HEADER + _table_size(data[first + 9]))
            case _:
                raise broken("GIF", "an unknown block")
        yield kind, first, at


def _table_size(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_sub_blocks(data: bytes, at: int) -> int:
    while length := data[at]:
        at += length + 1
    return at + 1


def _graphic_control(data: bytes, at: int) -> bytes:
    # Disposal says what happens after the frame, which is never shown; only transparency is kept.
    size, flags, _, transparent = struct.unpack_from("<BBHB", data, at + 2)
    if size != _GRAPHIC_CONTROL_BYTES or not flags & _HAS_TRANSPARENCY:
        return b""
    fields = (_Block.EXTENSION, _GRAPHIC_CONTROL, size, _HAS_TRANSPARENCY, 0, 0, transparent, 0)
    return bytes(fields)
