"""Format detection and the table of container readers: any image file in, a `Container` out.

Decoders are lenient: they fill in the missing part of a cut file, read gigabytes of metadata, and
trust the sizes in headers. So each format's structure is first read here, in plain Python and in
time linear in the file's length. The decoder receives the first image alone, complete and of a
bounded size.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from embeddings.errors import UnsupportedImageError
from embeddings.images.containers.base import Container, cut_short
from embeddings.images.containers.bmp import HEADER_SIZES, read_bmp
from embeddings.images.containers.gif import read_gif
from embeddings.images.containers.iso import is_avif, is_heic, read_avif, read_heic
from embeddings.images.containers.jpeg import read_jpeg
from embeddings.images.containers.png import read_png
from embeddings.images.containers.tiff import read_tiff
from embeddings.images.containers.webp import read_webp

__all__ = ["FORMATS", "unwrap"]

_Reader = Callable[[bytes, int], Container]
_READERS: dict[str, _Reader] = {
    "JPEG": read_jpeg,
    "PNG": read_png,
    "WEBP": read_webp,
    "GIF": read_gif,
    "BMP": read_bmp,
    "TIFF": read_tiff,
    "AVIF": read_avif,
    "HEIC": read_heic,
}
FORMATS: tuple[str, ...] = tuple(_READERS)

_PREFIXES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
# These only make the error message more helpful.
_OTHER_PREFIXES = {
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript file",
    b"\xc5\xd0\xd3\xc6": "a PostScript file",
    b"<svg": "an SVG drawing",
    b"<?xml": "an SVG drawing or other XML",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
    b"PK\x03\x04": "a ZIP archive",
    b"8BPS": "a Photoshop file",
    b"\xff\x0a": "a JPEG XL image",
    b"\0\0\0\x0cJXL \r\n\x87\n": "a JPEG XL image",
    b"\0\0\0\x0cjP  \r\n\x87\n": "a JPEG 2000 image",
    b"\xff\x4f\xff\x51": "a JPEG 2000 image",
    b"\x1a\x45\xdf\xa3": "a video",
    b"\0\0\1\0": "a Windows icon",
}
_LONGEST_PREFIX = 64  # bytes, with a byte-order mark and white space before it


def unwrap(data: bytes, max_pixels: int) -> Container:
    """Check an image file's structure and keep only the parts that its first image needs.

    Args:
        data: The file.
        max_pixels: The largest width times height.

    Raises:
        UnsupportedImageError: The first bytes are none of `FORMATS`, or it is a variety of one that
            can't be decoded faithfully.
        ImageTooLargeError: The header declares more pixels.
        BrokenImageError: The file ends early or contradicts itself.
    """
    name = _detect_format(data)
    if name is None:
        raise UnsupportedImageError(
            f"{_describe(data)}; send JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"
        )
    try:
        return _READERS[name](data, max_pixels)
    except (IndexError, OverflowError, struct.error):
        raise cut_short(name) from None


def _detect_format(data: bytes) -> str | None:
    for prefix, name in _PREFIXES.items():
        if data.startswith(prefix):
            return name
    if data[:4] == b"RIFF" and data[8:16] in (b"WEBPVP8 ", b"WEBPVP8L", b"WEBPVP8X"):
        return "WEBP"
    if data[4:8] == b"ftyp" and is_avif(data):
        return "AVIF"
    if data[4:8] == b"ftyp" and is_heic(data):
        return "HEIC"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in HEADER_SIZES:
        return "BMP"
    return None


def _describe(data: bytes) -> str:
    """Name a file that is none of `FORMATS`, for the error message."""
    if not data:
        return "the file is empty"
    if data[4:8] == b"ftyp":
        return "the file is a video, or an image of a kind that phones don't write"
    start = data[:_LONGEST_PREFIX].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for prefix, name in _OTHER_PREFIXES.items():
        if start.startswith(prefix.lower()):
            return f"the file is {name}"
    return "the file is not an image of a known format"
