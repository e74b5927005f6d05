"""What every container reader gives, and the refusals they share."""

from __future__ import annotations

from dataclasses import dataclass

from embeddings.errors import BrokenImageError, ImageTooLargeError, UnsupportedImageError

__all__ = ["MAX_PARTS", "Container", "broken", "check_pixels", "cut_short", "unsupported"]

# Most chunks, boxes or tags that one file may be made of. The longest honest files we know of are
# animations of some 10,000 frames with two or three parts each; hostile ones reach millions of
# empty parts, each of which costs a decoder memory.
MAX_PARTS = 100_000


@dataclass(frozen=True, slots=True)
class Container:
    """The one picture to decode from a file, checked to be whole and freed of all else.

    Attributes:
        format: Pillow's name of the format, e.g. `JPEG`.
        width: Width in pixels, before the orientation is applied; at least 1.
        height: Height in pixels, likewise.
        data: A file of the same format which holds the first picture and nothing that doesn't
            show in its pixels: no metadata, no further frames or pages, nothing after the end.
        orientation: The EXIF orientation, 1 to 8.
        offset: (left, top) in pixels of the decoded picture on a white canvas of
            `width` x `height`; only the first frame of a GIF lies elsewhere than at (0, 0).
    """

    format: str
    width: int
    height: int
    data: bytes
    orientation: int = 1
    offset: tuple[int, int] = (0, 0)


def check_pixels(width: int, height: int, limit: int) -> None:
    """Refuse a declared size of more than `limit` pixels.

    Raises:
        ImageTooLargeError: The size is over the limit.
    """
    if width * height > limit:
        raise ImageTooLargeError(
            f"the picture is {width:,} x {height:,} pixels, over the limit of {limit:,} pixels; "
            "scale it down and send it again"
        )


def cut_short(name: str) -> BrokenImageError:
    """The error for a file that ends before its picture does."""
    return BrokenImageError(f"the {name} picture is cut short; send the whole file again")


def broken(name: str, detail: str) -> BrokenImageError:
    """The error for a file that contradicts its own format."""
    return BrokenImageError(
        f"the {name} picture is damaged ({detail}); save it again as JPEG or PNG"
    )


def unsupported(name: str, detail: str) -> UnsupportedImageError:
    """The error for a sound file of a kind that can't be decoded faithfully."""
    return UnsupportedImageError(
        f"{name} pictures with {detail} are not read; save it as JPEG or PNG"
    )
