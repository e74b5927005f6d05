"""AVIF: reads its boxes, down to the still image and the sizes that it declares."""

from __future__ import annotations

from collections import Counter

from embeddings.images.containers.base import Container, broken, check_pixels, cut_short
from embeddings.images.containers.iso.av1 import frame_sizes
from embeddings.images.containers.iso.boxes import (
    PADDING,
    Box,
    Still,
    brands_of,
    extents_of,
    items_of,
    read_still,
    void_exif,
)

__all__ = ["is_avif", "read_avif"]

_BRANDS = {b"avif", b"avis"}
# An image may have a mask and a smaller preview, each coded as an image of its own.
_LAYERS = 3


def is_avif(data: bytes) -> bool:
    """Tell whether the first box names an AVIF brand; HEIC files name others."""
    return bool(brands_of(data, _BRANDS))


def read_avif(data: bytes, limit: int) -> Container:
    """Check an AVIF file and keep its still image; `limit` is in pixels.

    The orientation is left to the decoder.

    Raises:
        ImageError: As `unwrap` says.
    """
    still = read_still(data, "AVIF", limit)
    _check_frames(data, still.meta, limit)
    return Container("AVIF", *still.size, _still_alone(data, still), profile=still.profile)


def _check_frames(data: bytes, meta: Box, limit: int) -> None:
    """Refuse coded frames over the limit: they may be larger than the boxes around them say."""
    stretches: dict[int, list[tuple[int, int]]] = {
        number: [] for number, at in items_of(data, meta) if data[at : at + 4] == b"av01"
    }
    for number, first, length in extents_of(data, meta):
        if first + length > len(data):
            raise cut_short("AVIF")
        if number in stretches:
            stretches[number].append((first, length))
    # Equal images, such as the tiles of a plain background, may share their bytes.
    streams = Counter(map(tuple, stretches.values()))
    if sum(length for stream in streams for _, length in stream) > len(data):
        raise broken("AVIF", "its images overlap")
    pixels = 0
    for stream, times in streams.items():
        joined = b"".join(data[first : first + length] for first, length in stream)
        for width, height in frame_sizes(joined):
            check_pixels(width, height, limit)
            pixels += times * width * height
    if pixels > _LAYERS * limit:
        raise broken("AVIF", "too many images in one")


def _still_alone(data: bytes, still: Still) -> bytes:
    """Return the file with its still image only: without films and EXIF."""
    cleaned = bytearray(data)
    for at in brands_of(data, _BRANDS):
        cleaned[at : at + 4] = b"avif"
    # Tells the decoder to read the still image, not the film.
    cleaned[8:12] = b"avif"
    for box in still.boxes:
        if box.kind == b"moov":
            cleaned[box.start + 4 : box.start + 8] = PADDING
    void_exif(cleaned, data, still.meta)
    return bytes(cleaned)
