"""Conversion to sRGB by an embedded ICC profile: the colours that a browser shows."""

from __future__ import annotations

import io
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

import numpy as np
from PIL import Image

__all__ = ["ColourSpace", "colour_space", "to_srgb"]

# An ICC profile (ICC.1:2022, 7.2): the header's size, and the places of its four-letter codes.
_HEADER_BYTES = 128
_CLASS, _SPACE, _SIGNATURE = slice(12, 16), slice(16, 20), slice(36, 40)
# Profiles of devices and colour spaces; links, named colours and effects describe no image.
_CLASSES = {b"scnr", b"mntr", b"prtr", b"spac"}

# A profile that moves no colour by more than this is sRGB by another name: 8-bit rounding.
_SAME = 2
_STEPS = 9  # probe levels of each channel


class ColourSpace(StrEnum):
    """The colour spaces of profiles that images have, with Pillow's name of the mode."""

    GREY = "L"
    RGB = "RGB"
    CMYK = "CMYK"


_SPACES = {b"GRAY": ColourSpace.GREY, b"RGB ": ColourSpace.RGB, b"CMYK": ColourSpace.CMYK}

_Convert = Callable[[Image.Image], Image.Image]


def colour_space(profile: bytes) -> ColourSpace | None:
    """Return what a profile's pixels are, or None if it is no profile of an image."""
    if len(profile) < _HEADER_BYTES or profile[_SIGNATURE] != b"acsp":
        return None
    return _SPACES.get(profile[_SPACE]) if profile[_CLASS] in _CLASSES else None


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert an image to sRGB by the profile that it was saved with.

    Args:
        image: Its mode is the profile's `colour_space`.
        profile: An ICC profile. A damaged one, or one that is sRGB itself, changes nothing.

    Returns:
        The image itself, or a new one of mode `RGB`.
    """
    convert = _conversion(profile, image.mode)
    return image if convert is None else convert(image)


@lru_cache(maxsize=8)
def _conversion(profile: bytes, mode: str) -> _Convert | None:
    """Make the conversion of a profile; None if there is none to make."""
    from PIL import ImageCms  # few images need it

    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.PERCEPTUAL,
            # Threads share the transform.
            ImageCms.Flags.NOCACHE,
        )
        probe = _probe(mode)
        if probe is not None:
            before = np.asarray(probe.convert("RGB"), np.int16)
            after = np.asarray(transform.apply(probe), np.int16)
            if np.abs(after - before).max() <= _SAME:
                return None
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return transform.apply


def _probe(mode: str) -> Image.Image | None:
    """Return an image of colours from the whole space; None for CMYK, which is never sRGB."""
    levels = np.linspace(0, 255, _STEPS).round().astype(np.uint8)
    match mode:
        case "L":
            return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
        case "RGB":
            grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1)
            return Image.fromarray(grid.reshape(1, -1, 3))
    return None
