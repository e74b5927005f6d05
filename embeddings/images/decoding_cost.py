"""Cost of decoding an image, estimated from its header before any decoder runs.

A few hundred bytes may declare tens of millions of pixels of one colour, which take a decoder
seconds and hundreds of megabytes, whatever the size of the file.
"""

from __future__ import annotations

from dataclasses import dataclass

from embeddings.errors import ImageTooLargeError
from embeddings.images.containers import Container, unwrap

__all__ = ["DecodingCost", "check_memory", "estimate_decoding"]


@dataclass(frozen=True)
class DecodingCost:
    """What decoding an image takes at most, about.

    Attributes:
        format: Pillow's name of the format.
        pixels: Pixels that the file declares.
        work: Time, in that of a megapixel of a baseline JPEG: 2 to 8 ms on one processor.
        memory: Bytes at the peak.
    """

    format: str
    pixels: int
    work: float
    memory: int


@dataclass(frozen=True)
class _Rate:
    """Cost of each declared pixel.

    Attributes:
        work: In pixels of a baseline JPEG, for pictures with much detail.
        memory: Bytes.
    """

    work: float
    memory: float


# Measured with Pillow 13 on images of one colour and of noise, 3,000 and 7,000 pixels a side: time,
# and the growth of a process. A JPEG is decoded at a reduced size, by whole lines.
_RATES = {
    "JPEG": _Rate(1, 1.5),
    "PNG": _Rate(4, 4.2),
    "WEBP": _Rate(4, 16.5),
    "GIF": _Rate(3, 9),
    "BMP": _Rate(1, 6),
    "TIFF": _Rate(2, 13.5),
    "AVIF": _Rate(8, 11),
    "HEIC": _Rate(8, 17),
}
_PROGRESSIVE_JPEG = _Rate(2, 6)
# With transparency, which is laid on white.
_TRANSPARENT = {
    "PNG": _Rate(7, 14.5),
    "WEBP": _Rate(7, 21.5),
    "AVIF": _Rate(8, 17),
    "HEIC": _Rate(8, 17),
}

# Another copy, in other colours.
_CONVERTED = 4.0

# Places of flags in files that `unwrap` made: the colour type of a PNG (PNG specification,
# 11.2.2), and the flags of a WebP's first chunk (RFC 9649, 2.7).
_PNG_COLOUR_TYPE, _PNG_PALETTE = 25, 3
_WEBP_FLAGS, _WEBP_ALPHA = 20, 0x10


def estimate_decoding(data: bytes, max_pixels: int) -> DecodingCost:
    """Estimate what decoding an image takes, from the structure of its file.

    Args:
        data: The file.
        max_pixels: As for `ImageLimits`.

    Raises:
        ImageError: As `open_image`, for all that a file's structure shows.
    """
    container = unwrap(data, max_pixels)
    pixels, rate = container.width * container.height, _rate(container)
    work = rate.work * pixels / 1e6
    memory = rate.memory + (_CONVERTED if container.profile else 0.0)
    return DecodingCost(container.format, pixels, work, int(memory * pixels))


def check_memory(cost: DecodingCost, limit: int) -> None:
    """Refuse an image that takes more memory than `limit` bytes.

    Raises:
        ImageTooLargeError: It does.
    """
    if cost.memory > limit:
        fits = int(cost.pixels * limit / cost.memory)
        raise ImageTooLargeError(
            f"the {cost.format} image has {cost.pixels:,} pixels, which take too much memory to "
            f"decode; scale it down to {fits:,} pixels, or save it as a baseline JPEG"
        )


def _rate(container: Container) -> _Rate:
    if container.several_scans:
        return _PROGRESSIVE_JPEG
    if _may_be_transparent(container):
        return _TRANSPARENT[container.format]
    return _RATES[container.format]


def _may_be_transparent(container: Container) -> bool:
    data = container.data
    match container.format:
        case "PNG":
            # Grey or colours with alpha; also colours of which one is transparent, and palettes.
            return data[_PNG_COLOUR_TYPE] > _PNG_PALETTE or b"tRNS" in data[: data.find(b"IDAT")]
        case "WEBP":
            extended = data[12:16] == b"VP8X"
            # A lossless file says so in its pixels' header (RFC 9649, 3.4).
            lossless = data[12:16] == b"VP8L" and bool(data[24] & 0x10)
            return lossless or (extended and bool(data[_WEBP_FLAGS] & _WEBP_ALPHA))
        case "AVIF":
            return b"auxC" in data  # another image goes with it
    return False
