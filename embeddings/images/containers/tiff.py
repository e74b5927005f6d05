"""TIFF: its first directory, and whether every strip or tile of that page is there."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from embeddings.images.containers.base import (
    MAX_PARTS,
    Container,
    broken,
    check_pixels,
    cut_short,
    unsupported,
)
from embeddings.images.containers.jpeg import segments

__all__ = ["read_tiff"]

# Tag numbers of TIFF 6.0 and its technical notes.
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIPS, _ORIENTATION, _SAMPLES, _ROWS, _STRIP_BYTES, _PLANAR = 273, 274, 277, 278, 279, 284
_PREDICTOR, _PALETTE, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 317, 320, 322, 323, 324, 325
_EXTRA_SAMPLES, _SAMPLE_FORMAT, _JPEG_TABLES, _SUBSAMPLING, _BLACK_WHITE = 338, 339, 347, 530, 532
# All that a page's pixels depend on; a decoder gets no other tag to stumble over.
_SHOWN = {
    _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _STRIPS, _SAMPLES, _ROWS,
    _STRIP_BYTES, _PLANAR, _PREDICTOR, _PALETTE, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES,
    _EXTRA_SAMPLES, _SAMPLE_FORMAT, _JPEG_TABLES, _SUBSAMPLING, _BLACK_WHITE,
}  # fmt: skip

_RAW, _LZW, _JPEG, _DEFLATE, _PACKBITS, _OLD_DEFLATE = 1, 5, 7, 8, 32773, 32946
# Fax coding is left out since libtiff paints damaged lines white without an error; the rest for
# want of pictures that use it.
_COMPRESSIONS = {_RAW, _LZW, _JPEG, _DEFLATE, _PACKBITS, _OLD_DEFLATE}
_WHITE_IS_ZERO, _YCBCR, _LAB = 0, 6, 8
_UNSIGNED, _FLOAT = 1, 3
_DEPTHS = {1, 2, 4, 8, 16}
_PLANES_APART = 2

_TYPE_BYTES = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
    16: 8, 17: 8, 18: 8,
}  # fmt: skip
_INTEGERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MAX_TAGS = 65_535


@dataclass(frozen=True, slots=True)
class _Dialect:
    """The byte order, and the layout of classic TIFF or BigTIFF."""

    order: str
    big: bool

    @property
    def offset(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "I"))

    @property
    def count(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def entry(self) -> struct.Struct:
        return struct.Struct(self.order + ("HHQ8s" if self.big else "HHI4s"))

    @property
    def pointer(self) -> int:
        return 8 if self.big else 4


@dataclass(frozen=True, slots=True)
class _Tag:
    kind: int
    count: int
    at: int
    entry: bytes


class _Page:
    """The first page of a TIFF file: its directory."""

    def __init__(self, data: bytes) -> None:
        order = "<" if data[:2] == b"II" else ">"
        big = struct.unpack_from(f"{order}H", data, 2)[0] == 43
        self.dialect = _Dialect(order, big)
        self._data = data
        self._tags: dict[int, _Tag] = {}
        (start,) = self.dialect.offset.unpack_from(data, self.dialect.pointer)
        tags, first, _ = self._directory(start)
        if tags > _MAX_TAGS:
            raise broken("TIFF", "too many tags")
        entry = self.dialect.entry
        for at in range(first, first + tags * entry.size, entry.size):
            number, kind, count, value = entry.unpack_from(data, at)
            size = count * _TYPE_BYTES.get(kind, 0)
            inline = size <= len(value)
            value_at = (
                at + entry.size - len(value) if inline else self.dialect.offset.unpack(value)[0]
            )
            if value_at + size > len(data):
                raise cut_short("TIFF")
            if number not in self._tags:
                raw = data[at : at + entry.size]
                self._tags[number] = _Tag(kind, count, value_at, raw)

    def _directory(self, start: int) -> tuple[int, int, int]:
        """The number of tags of a directory, where they start, and where the next directory is."""
        (tags,) = self.dialect.count.unpack_from(self._data, start)
        first = start + self.dialect.count.size
        (after,) = self.dialect.offset.unpack_from(
            self._data, first + tags * self.dialect.entry.size
        )
        return tags, first, after

    def check_further_pages(self) -> None:
        """Refuse a file that lacks a further directory; further pixels are not looked for."""
        (start,) = self.dialect.offset.unpack_from(self._data, self.dialect.pointer)
        seen: set[int] = set()
        while start and start not in seen and len(seen) < MAX_PARTS:
            seen.add(start)
            _, _, start = self._directory(start)

    def numbers(self, number: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """The integers of a tag."""
        tag = self._tags.get(number)
        if tag is None or tag.kind not in _INTEGERS or not tag.count:
            return default
        if tag.count > MAX_PARTS:
            raise broken("TIFF", "too many strips")
        kind = f"{self.dialect.order}{tag.count}{_INTEGERS[tag.kind]}"
        return struct.unpack_from(kind, self._data, tag.at)

    def number(self, number: int, default: int) -> int:
        """The first integer of a tag."""
        return self.numbers(number, (default,))[0]

    def alone(self) -> bytes:
        """The file with this page only, and of its tags only those that show."""
        data, dialect = self._data, self.dialect
        entries = [tag.entry for number, tag in sorted(self._tags.items()) if number in _SHOWN]
        start = len(data) + len(data) % 2
        head = data[: dialect.pointer] + dialect.offset.pack(start)
        directory = dialect.count.pack(len(entries)) + b"".join(entries) + dialect.offset.pack(0)
        return b"".join((head, data[len(head) :], b"\0" * (start - len(data)), directory))


@dataclass(frozen=True, slots=True)
class _Grid:
    """How a page is cut into strips or tiles (a strip is a tile as wide as the page)."""

    width: int
    height: int
    tile_width: int
    tile_height: int
    tiled: bool

    @classmethod
    def of(cls, page: _Page) -> _Grid:
        width, height = page.number(_WIDTH, 0), page.number(_HEIGHT, 0)
        if page.numbers(_TILES):
            tile = page.number(_TILE_WIDTH, 0), page.number(_TILE_HEIGHT, 0)
            return cls(width, height, *tile, tiled=True)
        return cls(width, height, width, min(page.number(_ROWS, height), height), tiled=False)

    @property
    def decoded(self) -> tuple[int, int]:
        """The pixels that decoding costs: tiles are decoded whole, beyond the page's edges too."""
        if not self.tiled:
            return self.width, self.height
        across, down = -(-self.width // self.tile_width), -(-self.height // self.tile_height)
        return across * self.tile_width, down * self.tile_height

    @property
    def parts(self) -> int:
        """The number of strips or tiles of one plane."""
        return -(-self.width // self.tile_width) * -(-self.height // self.tile_height)

    def rows(self, part: int) -> int:
        """The number of rows stored in a strip or tile; the last strip may have fewer."""
        if self.tiled:
            return self.tile_height
        return min(self.tile_height, self.height - part * self.tile_height)


def _check_kind(page: _Page) -> tuple[int, int]:
    """Refuse what would be decoded into wrong colours; gives (compression, bits per sample)."""
    compression = page.number(_COMPRESSION, _RAW)
    photometric = page.number(_PHOTOMETRIC, 0)
    depths, formats = set(page.numbers(_BITS, (1,))), set(page.numbers(_SAMPLE_FORMAT, (1,)))
    bits = max(depths)
    if compression not in _COMPRESSIONS:
        raise unsupported("TIFF", "this compression")
    known = bits == 32 if formats == {_FLOAT} else formats == {_UNSIGNED} and bits in _DEPTHS
    if len(depths) > 1 or not known:
        raise unsupported("TIFF", "this kind of sample")
    # Pillow takes these for 8 bits, black for zero or unsubsampled colour.
    if bits > 8 and (page.number(_PLANAR, 1) == _PLANES_APART or photometric == _WHITE_IS_ZERO):
        raise unsupported("TIFF", "more than 8 bits in this layout")
    subsampled = photometric == _YCBCR and page.numbers(_SUBSAMPLING, (2, 2)) != (1, 1)
    if photometric == _LAB or (subsampled and compression == _RAW):
        raise unsupported("TIFF", "this kind of colour")
    return compression, bits


def _check_parts(data: bytes, page: _Page, grid: _Grid) -> None:
    compression, bits = _check_kind(page)
    samples = page.number(_SAMPLES, 1)
    planes = samples if page.number(_PLANAR, 1) == _PLANES_APART else 1
    starts = page.numbers(_TILES if grid.tiled else _STRIPS)
    sizes = page.numbers(_TILE_BYTES if grid.tiled else _STRIP_BYTES)
    if len(starts) != grid.parts * planes:
        raise broken("TIFF", "strips are missing")
    if compression == _RAW:
        row_bytes = -(-grid.tile_width * bits * (samples // planes) // 8)
        sizes = tuple(row_bytes * grid.rows(part % grid.parts) for part in range(len(starts)))
    # Strips that share bytes would let a small file cost a thousand decodings of a large one.
    elif len(sizes) != len(starts) or sum(sizes) > len(data):
        raise broken("TIFF", "its strips don't add up")
    for start, size in zip(starts, sizes, strict=True):
        if start + size > len(data):
            raise cut_short("TIFF")
        if compression == _JPEG:
            for _ in segments(data, start + 2, start + size):
                pass


def read_tiff(data: bytes, limit: int) -> Container:
    """Check a TIFF or BigTIFF file and keep its first page; `limit` is in pixels.

    Raises:
        ImageError: As `embeddings.containers.unwrap` says.
    """
    page = _Page(data)
    grid = _Grid.of(page)
    check_pixels(grid.width, grid.height, limit)
    if not all((grid.width, grid.height, grid.tile_width, grid.tile_height)):
        raise broken("TIFF", "it declares no size")
    check_pixels(*grid.decoded, limit)
    _check_parts(data, page, grid)
    page.check_further_pages()
    orientation = page.number(_ORIENTATION, 1)
    upright = orientation if 1 <= orientation <= 8 else 1
    return Container("TIFF", grid.width, grid.height, page.alone(), upright)
