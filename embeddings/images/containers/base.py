"""`Container`, the result of every container reader, and the errors that readers share."""

from __future__ import annotations

from dataclasses import dataclass

from embeddings.errors import BrokenImageError, ImageTooLargeError, UnsupportedImageError

__all__ = [
    "MAX_PARTS",
    "MAX_PROFILE_BYTES",
    "Container",
    "broken",
    "check_pixels",
    "cut_short",
    "unsupported",
]

# The most chunks, boxes or tag values in one file. The longest honest files we know of are
# animations of some 10,000 frames with two or three parts each; hostile ones reach millions of
# empty parts, each of which costs a decoder memory.
MAX_PARTS = 100_000

# A larger ICC profile is passed over. Those of printing presses, the largest, have up to 3 MB.
MAX_PROFILE_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Container:
    """The image to decode from a file: checked to be complete, without anything else.

    Attributes:
        format: Pillow's name of the format, e.g. `JPEG`.
        width: Width in pixels, before the orientation is applied; at least 1.
        height: Height in pixels, likewise.
        data: A file of the same format which holds the first image and nothing that doesn't
            affect its pixels: no metadata, no further frames or pages, nothing after the end.
        orientation: The EXIF orientation, 1 to 8.
        offset: (left, top) in pixels of the decoded image on a white canvas of `width` x `height`;
            only the first frame of a GIF lies elsewhere than at (0, 0).
        profile: The ICC profile of the pixels; empty for sRGB. The decoder may give another one
            (AVIF, HEIC).
        several_scans: Whether it is a JPEG in several scans, all of whose coefficients a decoder
            holds in memory, at any scale.
        ended: False for a JPEG without an end marker, so that its last pixels may be missing.
    """

    format: str
    width: int
    height: int
    data: bytes
    orientation: int = 1
    offset: tuple[int, int] = (0, 0)
    profile: bytes = b""
    several_scans: bool = False
    ended: bool = True


def check_pixels(width: int, height: int, limit: int) -> None:
    """Refuse a declared size of more than `limit` pixels.

    Raises:
        ImageTooLargeError: The size is over the limit.
    """
    if width * height > limit:
        raise ImageTooLargeError(
            f"the image is {width:,} x {height:,} pixels, over the limit of {limit:,} pixels; "
            "scale it down and send it again"
        )


def cut_short(name: str) -> BrokenImageError:
    """Return the error for a file that ends before its image does."""
    return BrokenImageError(f"the {name} image is cut short; send the whole file again")


def broken(name: str, detail: str) -> BrokenImageError:
    """Return the error for a file that contradicts its own format."""
    return BrokenImageError(f"the {name} image is damaged ({detail}); save it again as JPEG or PNG")


def unsupported(name: str, detail: str) -> UnsupportedImageError:
    """Return the error for a sound file of a kind that can't be decoded faithfully."""
    return UnsupportedImageError(
        f"{name} images with {detail} are not read; save it as JPEG or PNG"
    )
