"""Boxes in images: fractions of the sides, their overlap, and the strongest of many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from embeddings.encoder import FloatArray

__all__ = ["Box", "FoundBox", "Letterbox", "overlaps", "strongest"]

Box = tuple[float, float, float, float]
"""Left, top, right and bottom as fractions of an image's sides, 0 to 1."""


@dataclass(frozen=True, slots=True)
class FoundBox:
    """A box that a detector found.

    Attributes:
        box: Where.
        confidence: The detector's own score, 0 to 1.
    """

    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class Letterbox:
    """An image scaled into a square without distortion; the rest is black.

    Attributes:
        pixels: `[side, side, 3]` uint8.
        left: Where the image begins, as a fraction of the square; so `top`.
        top: See `left`.
        width: Width of the image, as a fraction of the square; so `height`.
        height: See `width`.
    """

    pixels: NDArray[np.uint8]
    left: float
    top: float
    width: float
    height: float

    @classmethod
    def of(cls, image: Image.Image, side: int) -> Letterbox:
        """Scale an RGB image into a square of `side` pixels."""
        scale = side / max(image.size)
        width, height = (max(1, round(length * scale)) for length in image.size)
        left, top = (side - width) // 2, (side - height) // 2
        square = Image.new("RGB", (side, side))
        small = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        square.paste(small, (left, top))
        pixels = np.asarray(square, np.uint8)
        return cls(pixels, left / side, top / side, width / side, height / side)

    def to_image(self, boxes: FloatArray) -> FloatArray:
        """Convert `[n, 4]` boxes of the square, as fractions, to boxes of the image, clipped."""
        offset = np.array([self.left, self.top] * 2, np.float32)
        size = np.array([self.width, self.height] * 2, np.float32)
        clipped: FloatArray = np.clip((boxes - offset) / size, 0, 1).astype(np.float32)
        return clipped


def overlaps(box: FloatArray, boxes: FloatArray) -> FloatArray:
    """Return the intersection over union of a box `[4]` with each of `[n, 4]`; 0 for empty ones."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    union = np.prod(box[2:] - box[:2]) + areas - shared
    share: FloatArray = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return share


def strongest(
    boxes: FloatArray, scores: FloatArray, most: int, overlap: float
) -> NDArray[np.int64]:
    """Return the rows of the strongest boxes, without those that lie on a stronger one.

    Greedy non-maximum suppression.

    Args:
        boxes: `[n, 4]`.
        scores: `[n]`.
        most: How many at most.
        overlap: Intersection over union from which two boxes count as one.
    """
    left = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(left) and len(kept) < most:
        first, left = int(left[0]), left[1:]
        kept.append(first)
        left = left[overlaps(boxes[first], boxes[left]) < overlap]
    return np.array(kept, np.int64)
