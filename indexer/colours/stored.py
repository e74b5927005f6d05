"""Measured colours in their stored form: `[5, 4]` bytes for each image."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.colours.dominant import MAX_COLOURS, measure_colours

__all__ = [
    "COLOURS_SHAPE",
    "UNMEASURED",
    "ColourArray",
    "colours_from_bytes",
    "measure_image",
    "measure_thumbnail",
]

ColourArray = NDArray[np.uint8]
"""`[5, 4]` uint8, as from `MeasuredColours.to_array`."""

COLOURS_SHAPE = (MAX_COLOURS, 4)

UNMEASURED: ColourArray = np.zeros(COLOURS_SHAPE, np.uint8)
"""The colours of an image that was not measured."""

# Images are reduced first, to this shorter side at least, in pixels; more pixels give the same
# colours.
_SIDE = 160


def measure_image(image: Image.Image) -> ColourArray:
    """Measure the colours of an RGB image."""
    reduced = image.reduce(max(1, min(image.size) // _SIDE))
    return measure_colours(np.asarray(reduced)).to_array()


def measure_thumbnail(thumbnail: bytes) -> ColourArray:
    """Measure the colours of a WebP thumbnail; `UNMEASURED` for no bytes."""
    if not thumbnail:
        return UNMEASURED
    with Image.open(io.BytesIO(thumbnail), formats=["WEBP"]) as image:
        return measure_image(image.convert("RGB"))


def colours_from_bytes(content: bytes) -> ColourArray:
    """Read stored colours.

    Raises:
        ValueError: The number of bytes is wrong.
    """
    return np.frombuffer(content, np.uint8).reshape(COLOURS_SHAPE)
