"""Conversion of a decoded image of any mode to 8-bit RGB, transparency on white."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from embeddings.images.colour_profiles import ColourSpace, colour_space, to_srgb

__all__ = ["to_rgb"]

# The 8-bit level nearest to each 16-bit one: round(v * 255 / 65535) (PNG specification, 13.12).
_FROM_16_BITS: NDArray[np.uint8] = ((np.arange(65536) + 128) // 257).astype(np.uint8)

# What a floating-point TIFF may mean by white: 1.0 is common; larger values were written from
# integers of 8 or 16 bits.
_WHITE_LEVELS = (1.0, 255.0, 65535.0)


def to_rgb(image: Image.Image, profile: bytes = b"") -> Image.Image:
    """Convert a loaded image to a plain sRGB one, free of the file's decoder and bytes.

    Args:
        image: An image of any mode.
        profile: The ICC profile of its colours. One that is damaged, or of another kind of image,
            is passed over, as browsers do.
    """
    if image.mode.startswith("I;16"):
        image = Image.fromarray(_from_16_bits(image))
    elif image.mode == "F":
        image = Image.fromarray(_from_floats(np.asarray(image)))
    if not image.has_transparency_data:
        return _opaque(image, colour_space(profile), profile)
    layer = image.convert("LA") if image.mode == "La" else image
    if layer.mode not in ("RGBA", "LA"):
        layer = layer.convert("RGBA")
    alpha = layer.getchannel("A")
    white = Image.new("RGB", image.size, "white")
    colours = layer.convert("L" if layer.mode == "LA" else "RGB")
    white.paste(_opaque(colours, colour_space(profile), profile), mask=alpha)
    return white


def _opaque(image: Image.Image, space: ColourSpace | None, profile: bytes) -> Image.Image:
    if space == ColourSpace.RGB and image.mode not in ("RGB", "CMYK"):
        image = image.convert("RGB")
    elif space == ColourSpace.GREY and image.mode in ("1", "LA"):
        image = image.convert("L")
    if space is not None and image.mode == space:
        image = to_srgb(image, profile)
    if image.mode != "RGB":
        return image.convert("RGB")
    # `convert` would copy the pixels.
    return image._new(image.im)  # noqa: SLF001  Pillow has no public equivalent


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
