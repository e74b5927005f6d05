"""Conversion of a decoded image of any mode to 8-bit RGB, transparency on white."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["to_rgb"]

# The 8-bit level nearest to each 16-bit one: round(v * 255 / 65535) (PNG specification, 13.12).
_FROM_16_BITS: NDArray[np.uint8] = ((np.arange(65536) + 128) // 257).astype(np.uint8)

# What a floating-point TIFF may mean by white: 1.0 is common; larger values were written from
# integers of 8 or 16 bits.
_WHITE_LEVELS = (1.0, 255.0, 65535.0)


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert a loaded image to a plain RGB one, free of the file's decoder and bytes."""
    if image.mode.startswith("I;16"):
        return _grey(_from_16_bits(image))
    if image.mode == "F":
        return _grey(_from_floats(np.asarray(image)))
    if not image.has_transparency_data:
        if image.mode != "RGB":
            return image.convert("RGB")
        # `convert` would copy the pixels.
        return image._new(image.im)  # noqa: SLF001  Pillow has no public equivalent
    layer = image.convert("LA") if image.mode == "La" else image
    if layer.mode != "RGBA":
        layer = layer.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(layer, mask=layer)
    return white


def _grey(levels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(levels).convert("RGB")


def _from_16_bits(image: Image.Image) -> NDArray[np.uint8]:
    values = np.asarray(image)
    levels: NDArray[np.uint8] = _FROM_16_BITS[values]
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        levels[values == transparent] = 255
    return levels


def _from_floats(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale floating-point grey to 8 bits.

    TIFF doesn't define which value is white: the smallest of `_WHITE_LEVELS` that no pixel exceeds
    is taken, else the image's own maximum.
    """
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    top = float(values.max())
    white = next((level for level in _WHITE_LEVELS if top <= level), top)
    return np.asarray(np.rint(np.clip(values / white, 0.0, 1.0) * 255.0), dtype=np.uint8)
