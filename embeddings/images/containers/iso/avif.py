"""AVIF: reads its boxes, down to the still image and the sizes that it declares."""

from __future__ import annotations

from collections import Counter

from embeddings.images.containers.base import (
    Container,
    broken,
    check_pixels,
    cut_short,
    unsupported,
)
from embeddings.images.containers.iso.av1 import frame_sizes
from embeddings.images.containers.iso.boxes import (
    PADDING,
    Box,
    boxes_of,
    declared_size,
    extents_of,
    items_of,
    nclx_profile,
)

__all__ = ["is_avif", "read_avif"]

_BRANDS = {b"avif", b"avis"}
_MAX_FIRST_BOX = 256  # bytes; room for some 60 brands
# An image may have a mask and a smaller preview, each coded as an image of its own.
_LAYERS = 3


def is_avif(data: bytes) -> bool:
    """Tell whether the first box names an AVIF brand; HEIC files name others."""
    return bool(_brands(data))


def read_avif(data: bytes, limit: int) -> Container:
    """Check an AVIF file and keep its still image; `limit` is in pixels.

    The size returned is the largest of any image inside (previews and masks are no larger than the
    image they belong to); the orientation is left to the decoder.

    Raises:
        ImageError: As `unwrap` says.
    """
    boxes = list(boxes_of(data, 0, len(data)))
    meta = next((box for box in boxes if box.kind == b"meta"), None)
    if meta is None:
        raise unsupported("AVIF", "a film but no still image")
    largest = declared_size(data, meta, limit)
    if not all(largest):
        raise broken("AVIF", "it declares no size")
    _check_frames(data, meta, limit)
    coded = nclx_profile(data, meta)
    return Container("AVIF", *largest, _still(data, boxes, meta), profile=coded)


def _brands(data: bytes) -> list[int]:
    size = min(int.from_bytes(data[:4], "big"), len(data), _MAX_FIRST_BOX)
    return [at for at in (8, *range(16, size, 4)) if data[at : at + 4] in _BRANDS]


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


def _still(data: bytes, boxes: list[Box], meta: Box) -> bytes:
    """Return the file with its still image only.

    Films are dropped, and EXIF items are renamed so that a damaged one can't spoil the image; in
    AVIF the rotation is a property of the image (`irot`, `imir`), and EXIF's is void.
    """
    cleaned = bytearray(data)
    for at in _brands(data):
        cleaned[at : at + 4] = b"avif"
    # Tells the decoder to read the still image, not the film.
    cleaned[8:12] = b"avif"
    for box in boxes:
        if box.kind == b"moov":
            cleaned[box.start + 4 : box.start + 8] = PADDING
    for _, at in items_of(data, meta):
        if data[at : at + 4] == b"Exif":
            cleaned[at : at + 4] = PADDING
    return bytes(cleaned)
