"""CIELAB: conversion from and to sRGB by lcms, and the colour difference CIEDE2000."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

__all__ = ["LabArray", "ciede2000", "lab_of", "rgb_of"]

LabArray = NDArray[np.float32]
Floats = NDArray[Any]  # float32 or float64

# Constant of the formula: the chroma, to its 7th power, at which the correction of a* is halved.
_CHROMA_25_7 = 25.0**7
# 8-bit coding of L* by lcms: 100 is 255.
_L_SCALE = 2.55


@cache
def _transform(source: str, target: str) -> ImageCms.ImageCmsTransform:
    profiles: dict[str, Any] = {
        "RGB": ImageCms.createProfile("sRGB"),
        "LAB": ImageCms.createProfile("LAB"),  # D50, as the profile connection space
    }
    return ImageCms.buildTransform(profiles[source], profiles[target], source, target)


def lab_of(pixels: NDArray[np.uint8]) -> LabArray:
    """Convert sRGB pixels to CIELAB (D50).

    Args:
        pixels: `[height, width, 3]`, uint8.

    Returns:
        `[height, width, 3]` float32: L* from 0 to 100, a* and b* from -128 to 127. lcms works with
        8 bits here, so the steps are 0.4 of L* and 1 of a* and b*, which is not visible.
    """
    image = ImageCms.applyTransform(Image.fromarray(pixels), _transform("RGB", "LAB"))
    assert image is not None  # only in-place transforms return None
    coded = np.asarray(image)
    lab = coded.view(np.int8).astype(np.float32)  # a* and b* are signed
    lab[..., 0] = coded[..., 0] * np.float32(100 / 255)
    return lab


def rgb_of(lab: LabArray) -> NDArray[np.uint8]:
    """Convert CIELAB colours `[..., 3]` to sRGB, uint8; colours outside its gamut are clipped."""
    flat = np.asarray(lab, np.float32).reshape(1, -1, 3)
    coded = np.clip(np.rint(flat), -128, 127).astype(np.int8).view(np.uint8)
    coded[..., 0] = np.clip(np.rint(flat[..., 0] * _L_SCALE), 0, 255).astype(np.uint8)
    image = Image.frombytes("LAB", (flat.shape[1], 1), coded.tobytes())
    converted = ImageCms.applyTransform(image, _transform("LAB", "RGB"))
    assert converted is not None  # only in-place transforms return None
    return np.asarray(converted, np.uint8).reshape(np.shape(lab))


def ciede2000(first: Floats, second: Floats, lightness: float = 1.0) -> Floats:
    """Compute the CIEDE2000 colour difference: about 1 is just noticeable, 100 is black to white.

    Sharma, Wu and Dalal, "The CIEDE2000 Color-Difference Formula: Implementation Notes,
    Supplementary Test Data, and Mathematical Observations", 2005, equations 2 to 22. The tests
    check it against that paper's table. Libraries that have it for arrays (scikit-image,
    colour-science) are large dependencies for these lines.

    Args:
        first: CIELAB colours, `[..., 3]`, float32 or float64.
        second: The same, of a shape that broadcasts.
        lightness: The formula's parametric factor k_L: differences of lightness are divided by it.
            Textile industry uses 2; the other two factors are 1.

    Returns:
        Differences `[...]` of the broadcast shape, of the same type.
    """
    mean_chroma = (np.hypot(*_ab(first)) + np.hypot(*_ab(second))) / 2
    seventh = mean_chroma**7
    stretch = 1.5 - 0.5 * np.sqrt(seventh / (seventh + _CHROMA_25_7))
    a1, a2 = first[..., 1] * stretch, second[..., 1] * stretch
    c1, c2 = np.hypot(a1, first[..., 2]), np.hypot(a2, second[..., 2])
    h1, h2 = _hue(a1, first[..., 2]), _hue(a2, second[..., 2])
    # The difference of hues the shorter way round, and the hue halfway along it. A grey has no hue;
    # the paper then uses the sum of the two.
    turn = h2 - h1
    turn = np.where(np.abs(turn) <= np.pi, turn, turn - 2 * np.pi * np.sign(turn))
    mean_hue = np.where(c1 * c2 == 0, h1 + h2, h1 + turn / 2)
    darker = (second[..., 0] - first[..., 0]) / lightness
    return _weighted(
        (darker, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(turn / 2)),
        ((first[..., 0] + second[..., 0]) / 2, (c1 + c2) / 2, mean_hue),
    )


def _ab(lab: Floats) -> tuple[Floats, Floats]:
    return lab[..., 1], lab[..., 2]


def _hue(a: Floats, b: Floats) -> Floats:
    """The hue angle, 0 to 2 pi."""
    return np.remainder(np.arctan2(b, a), 2 * np.pi)


def _weighted(
    differences: tuple[Floats, Floats, Floats], means: tuple[Floats, Floats, Floats]
) -> Floats:
    """Equations 15 to 22: the weighted sum of the differences of lightness, chroma and hue."""
    lightness, chroma, hue = means
    tone = (
        1
        - 0.17 * np.cos(hue - np.deg2rad(30))
        + 0.24 * np.cos(2 * hue)
        + 0.32 * np.cos(3 * hue + np.deg2rad(6))
        - 0.20 * np.cos(4 * hue - np.deg2rad(63))
    )
    square = (lightness - 50) ** 2
    by_lightness = differences[0] / (1 + 0.015 * square / np.sqrt(20 + square))
    by_chroma = differences[1] / (1 + 0.045 * chroma)
    by_hue = differences[2] / (1 + 0.015 * chroma * tone)
    degrees = np.remainder(np.rad2deg(hue), 360)
    seventh = chroma**7
    blue = np.deg2rad(60) * np.exp(-(((degrees - 275) / 25) ** 2))
    rotation = -2 * np.sqrt(seventh / (seventh + _CHROMA_25_7)) * np.sin(blue)
    total = by_lightness**2 + by_chroma**2 + by_hue**2 + rotation * by_chroma * by_hue
    return np.asarray(np.sqrt(np.maximum(total, 0)))
