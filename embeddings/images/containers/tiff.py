"""TIFF: checks that the first page can be decoded faithfully and that all its pixels are there."""

from __future__ import annotations

from dataclasses import dataclass

from embeddings.images.containers.base import (
    Container,
    broken,
    check_pixels,
    cut_short,
    unsupported,
)
from embeddings.images.containers.jpeg import segments
from embeddings.images.containers.tiff_directory import Page, Tag

__all__ = ["read_tiff"]

_RAW, _LZW, _JPEG, _DEFLATE, _PACKBITS, _OLD_DEFLATE = 1, 5, 7, 8, 32773, 32946
# Fax coding is left out since libtiff paints damaged lines white without an error; the rest for
# want of images that use it.
_COMPRESSIONS = {_RAW, _LZW, _JPEG, _DEFLATE, _PACKBITS, _OLD_DEFLATE}
_WHITE_IS_ZERO, _YCBCR, _LAB = 0, 6, 8
_UNSIGNED, _FLOAT = 1, 3
_DEPTHS = {1, 2, 4, 8, 16}
_PLAIN_DEPTH = 8
_FLOAT_DEPTH = 32
_PLANES_APART = 2
_ORIENTATIONS = range(1, 9)


def read_tiff(data: bytes, limit: int) -> Container:
    """Check a TIFF or BigTIFF file and keep its first page; `limit` is in pixels.

    Raises:
        ImageError: As `unwrap` says.
    """
    page = Page(data)
    grid = _Grid.of(page)
    check_pixels(grid.width, grid.height, limit)
    if not all((grid.width, grid.height, grid.tile_width, grid.tile_height)):
        raise broken("TIFF", "it declares no size")
    check_pixels(*grid.decoded, limit)
    _check_kind(page)
    _check_parts(data, page, grid)
    page.check_further_pages()
    orientation = page.number(Tag.ORIENTATION, 1)
    upright = orientation if orientation in _ORIENTATIONS else 1
    return Container("TIFF", grid.width, grid.height, page.alone(), upright, profile=page.profile())


@dataclass(frozen=True, slots=True)
class _Grid:
    """How a page is cut into strips or tiles (a strip is a tile as wide as the page)."""

    width: int
    height: int
    tile_width: int
    tile_height: int
    tiled: bool

    @classmethod
    def of(cls, page: Page) -> _Grid:
        width, height = page.number(Tag.WIDTH, 0), page.number(Tag.HEIGHT, 0)
        if page.numbers(Tag.TILES):
            tile = page.number(Tag.TILE_WIDTH, 0), page.number(Tag.TILE_HEIGHT, 0)
            return cls(width, height, *tile, tiled=True)
        rows = min(page.number(Tag.ROWS, height), height)
        return cls(width, height, width, rows, tiled=False)

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
        """Return the number of rows in a strip or tile; the last strip may have fewer."""
        if self.tiled:
            return self.tile_height
        return min(self.tile_height, self.height - part * self.tile_height)


def _check_kind(page: Page) -> None:
    """Refuse the kinds of page that Pillow would decode into wrong colours."""
    compression = page.number(Tag.COMPRESSION, _RAW)
    photometric = page.number(Tag.PHOTOMETRIC, 0)
    depths = set(page.numbers(Tag.BITS, (1,)))
    formats = set(page.numbers(Tag.SAMPLE_FORMAT, (_UNSIGNED,)))
    bits = max(depths)
    if compression not in _COMPRESSIONS:
        raise unsupported("TIFF", "this compression")
    is_float = formats == {_FLOAT} and bits == _FLOAT_DEPTH
    is_unsigned = formats == {_UNSIGNED} and bits in _DEPTHS
    if len(depths) > 1 or not (is_float or is_unsigned):
        raise unsupported("TIFF", "this kind of sample")
    # Pillow takes these for 8 bits, black for zero or unsubsampled colour.
    apart = page.number(Tag.PLANAR, 1) == _PLANES_APART
    if bits > _PLAIN_DEPTH and (apart or photometric == _WHITE_IS_ZERO):
        raise unsupported("TIFF", "more than 8 bits in this layout")
    subsampled = photometric == _YCBCR and page.numbers(Tag.SUBSAMPLING, (2, 2)) != (1, 1)
    if photometric == _LAB or (subsampled and compression == _RAW):
        raise unsupported("TIFF", "this kind of colour")


def _check_parts(data: bytes, page: Page, grid: _Grid) -> None:
    """Refuse a page of which a strip or tile is missing, cut short or shared with another."""
    compression = page.number(Tag.COMPRESSION, _RAW)
    samples = page.number(Tag.SAMPLES, 1)
    planes = samples if page.number(Tag.PLANAR, 1) == _PLANES_APART else 1
    starts = page.numbers(Tag.TILES if grid.tiled else Tag.STRIPS)
    sizes = page.numbers(Tag.TILE_BYTES if grid.tiled else Tag.STRIP_BYTES)
    if len(starts) != grid.parts * planes:
        raise broken("TIFF", "strips are missing")
    if compression == _RAW:
        bits = page.number(Tag.BITS, 1)
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
