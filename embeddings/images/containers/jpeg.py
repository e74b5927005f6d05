"""JPEG: a walk over its marker segments up to the end of the first picture."""

from __future__ import annotations

import re
from collections.abc import Iterator

from embeddings.images.containers.base import (
    Container,
    broken,
    check_pixels,
    cut_short,
    unsupported,
)
from embeddings.images.containers.exif import exif_orientation

__all__ = ["offer_more", "read_jpeg", "segments"]

_SOI, _EOI, _SOS, _APP0, _APP1, _APP14, _APP15, _COM = (
    0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xEE, 0xEF, 0xFE,
)  # fmt: skip
# Baseline, extended, progressive; the same with arithmetic coding (ITU-T T.81, table B.1). Lossless
# and hierarchical frames are left out: shops don't use them, and libjpeg reads only some.
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}

# A marker is 0xFF and a code; 0xFF00 is a stuffed byte and D0 to D7 are restarts, both inside a
# scan, and 01 stands alone (T.81, B.1.1.2 and B.1.1.5).
_MARKER = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")
# The most segments an honest file has: 255 of a colour profile, some hundreds of extended XMP.
_MAX_SEGMENTS = 10_000
# Each scan of a progressive file costs a pass over all pixels, however few its bytes, so that
# thousands would be a bomb. Encoders write about 10, the most exotic scripts some 60.
_MAX_SCANS = 100

# Entropy-coded bytes of no meaning, free of 0xFF.
_JUNK = bytes((37 * i) % 251 + 1 for i in range(256))


def segments(data: bytes, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Walk the marker segments of a JPEG stream.

    Args:
        data: Any bytes that hold the stream.
        start: Where to begin, just after the start-of-image marker.
        stop: Where the stream must have ended.

    Yields:
        (marker code, first byte, byte after the last) of each segment, of which the last is the
        end-of-image marker. Scan data lies between the segments.

    Raises:
        BrokenImageError: There is no end-of-image marker, or a segment overruns `stop`.
    """
    at = start
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, at, stop)
        if found is None:
            raise cut_short("JPEG")
        first, at = found.span()
        code = data[first + 1]
        if code != _EOI and code != _SOI:
            length = int.from_bytes(data[at : min(at + 2, stop)], "big")
            at += length
            if length < 2 or at > stop:
                raise cut_short("JPEG")
        yield code, first, at
        if code == _EOI:
            return
    raise broken("JPEG", "too many segments")


def offer_more(data: bytes) -> bytes:
    """Put junk into the end of a picture's scan data.

    A decoder that has all it needs ignores it, so that the pixels stay as they were; one that ran
    out of data takes it.

    Args:
        data: A JPEG file as `read_jpeg` keeps it, ending in its end-of-image marker.
    """
    restart = max(data.rfind(bytes((0xFF, code))) for code in range(0xD0, 0xD8))
    expected = 0xD0 | (data[restart + 1] + 1) & 7 if restart >= 0 else 0xD0
    # The zero completes an 0xFF that was cut off its stuffing; the marker begins the next interval.
    return b"".join((data[:-2], b"\0", _JUNK, bytes((0xFF, expected)), _JUNK, data[-2:]))


def _is_metadata(data: bytes, code: int, first: int) -> bool:
    # JFIF and Adobe segments decide how colours are read; all other APPn and comments don't show.
    if code == _APP0:
        return data[first + 4 : first + 9] != b"JFIF\0"
    if code == _APP14:
        return data[first + 4 : first + 9] != b"Adobe"
    return code == _COM or _APP0 < code <= _APP15


def _frame_size(data: bytes, first: int, limit: int) -> tuple[int, int]:
    precision = data[first + 4]
    height = int.from_bytes(data[first + 5 : first + 7], "big")
    width = int.from_bytes(data[first + 7 : first + 9], "big")
    check_pixels(width, height, limit)
    if precision != 8:
        raise unsupported("JPEG", f"{precision} bits per sample")
    if not width or not height:
        raise broken("JPEG", "it declares no size")
    return width, height


def read_jpeg(data: bytes, limit: int) -> Container:
    """Check a JPEG file and keep its first picture; `limit` is in pixels.

    What follows the end-of-image marker (padding, a second picture of an MPO, a phone's video) is
    dropped.

    Raises:
        ImageError: As `embeddings.containers.unwrap` says.
    """
    size: tuple[int, int] | None = None
    orientation = None
    scans = 0
    kept, keep_from, after = [], 0, 2
    for code, first, after in segments(data, 2, len(data)):
        if code in _FRAMES:
            if size is not None:
                raise broken("JPEG", "two frames in one picture")
            size = _frame_size(data, first, limit)
        elif code == _SOS:
            scans += 1
        elif code in _OTHER_FRAMES:
            raise unsupported("JPEG", "lossless or hierarchical coding")
        elif _is_metadata(data, code, first):
            if (
                code == _APP1
                and orientation is None
                and data[first + 4 : first + 10] == b"Exif\0\0"
            ):
                orientation = exif_orientation(data[first + 10 : after])
            kept.append(data[keep_from:first])
            keep_from = after
        if scans > _MAX_SCANS:
            raise broken("JPEG", "too many scans")
    if size is None or not scans:
        raise broken("JPEG", "it holds no picture")
    kept.append(data[keep_from:after])
    return Container("JPEG", *size, b"".join(kept), orientation or 1)
