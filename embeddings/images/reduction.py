"""Reduced images: decoded at a fraction of their size, with what the rest of the geometry needs."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

__all__ = ["Box", "ReducedImage", "Reduction"]

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""

_MIRRORED = {
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
}
_FLIPPED = {
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_90,
    Image.Transpose.TRANSVERSE,
}
_SIDES_SWAPPED = {
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
}


@dataclass(frozen=True)
class Reduction:
    """How a reduced image lies on the one it was made of.

    A JPEG of 641 pixels becomes 321 at half its size, although 320.5 of them are covered. Who
    resizes it as if it had been 642 pixels, or rounds by its own sides, gets another image.

    Attributes:
        full_size: (width, height) of the image before, upright.
        box: The part of the reduced image that the whole one covers, upright.
    """

    full_size: tuple[int, int]
    box: Box

    @classmethod
    def by(cls, scale: int, full_size: tuple[int, int], size: tuple[int, int]) -> Reduction:
        """Make one for sides that were divided by a number and rounded up to `size`."""
        width, height = full_size
        return cls(full_size, (0, 0, min(width / scale, size[0]), min(height / scale, size[1])))

    def transposed(self, how: Image.Transpose, size: tuple[int, int]) -> Reduction:
        """Return the reduction of the transposed image; `size` is the image's before that."""
        left, top, right, bottom = self.box
        (width, height), full_size = size, self.full_size
        if how in _SIDES_SWAPPED:
            left, top, right, bottom = top, left, bottom, right
            width, height, full_size = height, width, full_size[::-1]
        if how in _MIRRORED:
            left, right = width - right, width - left
        if how in _FLIPPED:
            top, bottom = height - bottom, height - top
        return Reduction(full_size, (left, top, right, bottom))


@dataclass(frozen=True)
class ReducedImage:
    """A decoded image.

    Attributes:
        image: RGB, upright, without metadata.
        reduction: How it was reduced; None if it has its full size.
    """

    image: Image.Image
    reduction: Reduction | None
