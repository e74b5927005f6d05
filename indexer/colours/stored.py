"""Measured colours as builds, ledgers and segments carry them: `[5, 4]` bytes a picture."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.colours.dominant import MOST_COLOURS, measure_colours

__all__ = ["COLOURS_SHAPE", "UNMEASURED", "ColourArray", "colours_of", "measured", "measured_on"]

ColourArray = NDArray[np.uint8]
"""As `MeasuredColours.to_array` gives them."""

COLOURS_SHAPE = (MOST_COLOURS, 4)

UNMEASURED: ColourArray = np.zeros(COLOURS_SHAPE, np.uint8)
"""What stands for the colours of a picture that was not measured."""

# Pixels along the shorter side that are left to measure, at least; more find the same colours.
_SIDE = 160


def measured(picture: Image.Image) -> ColourArray:
    """Measure the colours of an RGB picture."""
    reduced = picture.reduce(max(1, min(picture.size) // _SIDE))
    return measure_colours(np.asarray(reduced)).to_array()


def measured_on(thumbnail: bytes) -> ColourArray:
    """Measure the colours of a picture on its own thumbnail; `UNMEASURED` where there is none."""
    if not thumbnail:
        return UNMEASURED
    with Image.open(io.BytesIO(thumbnail), formats=["WEBP"]) as image:
        return measured(image.convert("RGB"))


def colours_of(content: bytes) -> ColourArray:
    """The colours of a picture from their bytes.

    Raises:
        ValueError: They are no colours.
    """
    return np.frombuffer(content, np.uint8).reshape(COLOURS_SHAPE)
