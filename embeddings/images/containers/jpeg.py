"""JPEG: reads its marker segments up to the end of the first image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from enum import IntEnum

from embeddings.errors import BrokenImageError
from embeddings.images.containers.base import (
    MAX_PROFILE_BYTES,
    Container,
    broken,
    check_pixels,
    cut_short,
    unsupported,
)
from embeddings.images.containers.exif import exif_orientation

__all__ = ["REDUCIBLE", "EndMissingError", "offer_more", "read_jpeg", "segments"]


class _Marker(IntEnum):
    """The second byte of a marker (ITU-T T.81, table B.1)."""

    RST0 = 0xD0
    RST7 = 0xD7
    SOI = 0xD8
    EOI = 0xD9
    SOS = 0xDA
    APP0 = 0xE0
    APP1 = 0xE1
    APP2 = 0xE2
    APP14 = 0xEE
    APP15 = 0xEF
    COM = 0xFE


# Baseline, extended, progressive; the same with arithmetic coding (T.81, table B.1). Lossless and
# hierarchical frames are left out: shops don't use them, and libjpeg reads only some.
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}
_BITS_PER_SAMPLE = 8

_SEQUENTIAL = {0xC0, 0xC1, 0xC9}

REDUCIBLE = 4
"""A JPEG may have this many times the pixels of others, since it is decoded at half its sides.

With the default limit, this lets the 200 megapixels of phones in.
"""

# A marker is 0xFF and a code; 0xFF00 is a stuffed byte and D0 to D7 are restarts, both inside a
# scan, and 01 stands alone (T.81, B.1.1.2 and B.1.1.5).
_MARKER = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")
_LENGTH_BYTES = 2  # a segment's length counts these too
# The most segments an honest file has: 255 of a colour profile, some hundreds of extended XMP.
_MAX_SEGMENTS = 10_000
# Each scan of a progressive file costs a pass over all pixels, however few its bytes, so that
# thousands would be a bomb. Encoders write about 10, the most exotic scripts some 60.
_MAX_SCANS = 100

# A profile is cut into segments, each with its number and their count (ICC.1:2022, B.4).
_PROFILE_NAME = b"ICC_PROFILE\0"

# Entropy-coded bytes of no meaning, free of 0xFF. The zero completes an 0xFF that was cut off its
# stuffing.
_JUNK = b"\0" + bytes((37 * i) % 251 + 1 for i in range(256))


class EndMissingError(BrokenImageError):
    """A JPEG stream without an end-of-image marker."""


def read_jpeg(data: bytes, limit: int) -> Container:
    """Check a JPEG file and keep its first image; `limit` is in pixels, `REDUCIBLE` times as many.

    Everything after the end-of-image marker (padding, a second image of an MPO, a phone's video)
    is dropped. Where the marker is missing after the only scan, it is added.

    Raises:
        ImageError: As `unwrap` says.
    """
    image = _FirstImage(data, limit * REDUCIBLE)
    try:
        for code, first, after in segments(data, 2, len(data)):
            image.add(code, first, after)
    except EndMissingError:
        # Of an image in several scans, no one can tell how many are missing.
        if not image.in_one_scan:
            raise
        return image.ended()
    return image.container()


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
        EndMissingError: There is no end-of-image marker.
        BrokenImageError: A segment overruns `stop`.
    """
    at = start
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, at, stop)
        if found is None:
            raise EndMissingError(cut_short("JPEG").message)
        first, at = found.span()
        code = data[first + 1]
        if code not in (_Marker.EOI, _Marker.SOI):
            length = int.from_bytes(data[at : min(at + _LENGTH_BYTES, stop)], "big")
            at += length
            if length < _LENGTH_BYTES or at > stop:
                raise cut_short("JPEG")
        yield code, first, at
        if code == _Marker.EOI:
            return
    raise broken("JPEG", "too many segments")


def offer_more(data: bytes, more: bytes = _JUNK) -> bytes:
    """Put meaningless bytes between an image's scan data and its end marker.

    This detects files that were cut short and then given an end marker again, as some download and
    repair tools do. Say that 60 of 100 kB arrived and that a tool appended FF D9: the structure is
    valid, and libjpeg paints the missing blocks grey without an error. A decoder that has read all
    blocks of a complete image ignores further bytes, so its pixels stay the same. A decoder that
    ran out of data reads the new bytes as the missing blocks, so its pixels change. Comparing the
    pixels of both decodings therefore tells cut files from complete ones, also from those that
    really end in grey.

    Args:
        data: A JPEG file as `read_jpeg` keeps it, ending in its end-of-image marker.
        more: The bytes, free of 0xFF.
    """
    restarts = range(_Marker.RST0, _Marker.RST7 + 1)
    last = max(data.rfind(bytes((0xFF, code))) for code in restarts)
    expected = _Marker.RST0 | (data[last + 1] + 1) & 7 if last >= 0 else _Marker.RST0
    # The marker begins the next interval.
    return b"".join((data[:-2], more, bytes((0xFF, expected)), more, data[-2:]))


class _FirstImage:
    """The segments that the pixels of a file's first image depend on."""

    def __init__(self, data: bytes, limit: int) -> None:
        self._data = data
        self._limit = limit
        self._size: tuple[int, int] | None = None
        self._orientation: int | None = None
        self._sequential = False
        self._components = 0
        self._scans = 0
        self._scanned = 0  # components of all scans
        self._profile: dict[int, bytes] = {}
        self._profile_parts = 0
        self._kept: list[bytes] = []
        self._keep_from = 0
        self._end = 0

    def add(self, code: int, first: int, after: int) -> None:
        """Take in the next segment, which lies in `data[first:after]`."""
        self._end = after
        if code in _FRAMES:
            self._sequential = code in _SEQUENTIAL
            self._add_frame(first)
        elif code in _OTHER_FRAMES:
            raise unsupported("JPEG", "lossless or hierarchical coding")
        elif code == _Marker.SOS:
            self._scans += 1
            self._scanned += self._data[first + 4]
            if self._scans > _MAX_SCANS:
                raise broken("JPEG", "too many scans")
        elif self._is_metadata(code, first):
            self._drop_metadata(code, first, after)

    @property
    def in_one_scan(self) -> bool:
        """Whether the only scan so far is the whole image."""
        return self._sequential and self._scans == 1 and self._scanned == self._components

    def ended(self) -> Container:
        """Return the image with all that follows its scan, and the end marker that is missing."""
        # A lone 0xFF at the end is the beginning of the marker, or of a stuffed byte.
        self._end = len(self._data) - self._data.endswith(b"\xff")
        image = self.container()
        return replace(image, data=image.data + bytes((0xFF, _Marker.EOI)), ended=False)

    def container(self) -> Container:
        """Return the image without its metadata."""
        if self._size is None or not self._scans:
            raise broken("JPEG", "it holds no image")
        kept = [*self._kept, self._data[self._keep_from : self._end]]
        return Container(
            "JPEG",
            *self._size,
            b"".join(kept),
            self._orientation or 1,
            profile=self._joined_profile(),
            several_scans=not self.in_one_scan,
        )

    def _add_frame(self, first: int) -> None:
        if self._size is not None:
            raise broken("JPEG", "two frames in one image")
        precision = self._data[first + 4]
        height = int.from_bytes(self._data[first + 5 : first + 7], "big")
        width = int.from_bytes(self._data[first + 7 : first + 9], "big")
        self._components = self._data[first + 9]
        check_pixels(width, height, self._limit)
        if precision != _BITS_PER_SAMPLE:
            raise unsupported("JPEG", f"{precision} bits per sample")
        if not width or not height:
            raise broken("JPEG", "it declares no size")
        self._size = width, height

    def _is_metadata(self, code: int, first: int) -> bool:
        """Tell whether a segment has no effect on the pixels.

        JFIF and Adobe segments decide how colours are read; all other APPn and comments do nothing.
        """
        name = self._data[first + 4 : first + 9]
        match code:
            case _Marker.APP0:
                return name != b"JFIF\0"
            case _Marker.APP14:
                return name != b"Adobe"
            case _Marker.COM:
                return True
            case _:
                return _Marker.APP0 < code <= _Marker.APP15

    def _drop_metadata(self, code: int, first: int, after: int) -> None:
        body = self._data[first + 4 : after]
        if code == _Marker.APP1 and self._orientation is None and body.startswith(b"Exif\0\0"):
            self._orientation = exif_orientation(body)
        elif code == _Marker.APP2 and body.startswith(_PROFILE_NAME):
            number, self._profile_parts, *_ = body[len(_PROFILE_NAME) :][:2] or (0, 0)
            self._profile.setdefault(number, body[len(_PROFILE_NAME) + 2 :])
        self._kept.append(self._data[self._keep_from : first])
        self._keep_from = after

    def _joined_profile(self) -> bytes:
        """Return the ICC profile; empty if a part of it is missing, or it is too large."""
        parts = [self._profile.get(number) for number in range(1, self._profile_parts + 1)]
        joined = b"".join(part for part in parts if part is not None)
        whole = None not in parts and len(joined) <= MAX_PROFILE_BYTES
        return joined if whole else b""
