"""HEIC: reads its boxes, down to the still image and the sizes that it declares."""

from __future__ import annotations

from collections import Counter

from embeddings.images.containers.base import (
    Container,
    broken,
    cut_short,
    unsupported,
)
from embeddings.images.containers.iso.boxes import (
    Box,
    brands_of,
    extents_of,
    items_of,
    read_still,
    void_exif,
)

__all__ = ["is_heic", "read_heic"]

# Brands of still images coded as HEVC, and of films of which one is a still image, too.
_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_CODED = {b"hvc1", b"grid", b"iden", b"iovl"}
# Tiles of a grid; those of a phone's picture are about fifty.
_MOST_TILES = 4096


def is_heic(data: bytes) -> bool:
    """Tell whether the first box names a HEIC brand."""
    return bool(brands_of(data, _BRANDS))


def read_heic(data: bytes, limit: int) -> Container:
    """Check a HEIC file; `limit` is in pixels. The decoder turns it upright.

    Raises:
        ImageError: As `unwrap` says.
    """
    still = read_still(data, "HEIC", limit)
    _check_items(data, still.meta)
    cleaned = bytearray(data)
    void_exif(cleaned, data, still.meta)
    return Container("HEIC", *still.size, bytes(cleaned), profile=still.profile)


def _check_items(data: bytes, meta: Box) -> None:
    """Refuse images whose data is not there, or that are more than a picture has."""
    kinds = {number: data[at : at + 4] for number, at in items_of(data, meta)}
    if not _CODED & set(kinds.values()):
        raise unsupported("HEIC", "no HEVC image in it")
    stretches = Counter[tuple[int, int]]()
    for number, first, length in extents_of(data, meta):
        if first + length > len(data):
            raise cut_short("HEIC")
        if kinds.get(number) in _CODED:
            stretches[first, length] += 1
    if sum(length for _, length in stretches) > len(data):
        raise broken("HEIC", "its images overlap")
    if stretches.total() > _MOST_TILES:
        raise broken("HEIC", "too many images in one")
