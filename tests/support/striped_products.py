"""Products drawn as stripes of known colours."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from indexer.colours import measure_colours

__all__ = ["PRODUCTS", "RED", "drawn", "packed"]

RED, MAROON, BLUE, GREEN = (205, 25, 35), (120, 20, 40), (40, 60, 190), (40, 140, 60)
PRODUCTS = {
    "red": [(RED, 40)],
    "maroon": [(MAROON, 40)],
    "blue": [(BLUE, 40)],
    "red-and-blue": [(RED, 20), (BLUE, 20)],
    "blue-with-some-red": [(BLUE, 34), (RED, 6)],
    "green": [(GREEN, 40)],
}
"""Stripes of each product: their colours and heights in pixels."""


def drawn(name: str) -> Image.Image:
    """Draw a product on white."""
    image = Image.new("RGB", (60, 60), "white")
    top = 10
    for colour, height in PRODUCTS[name]:
        ImageDraw.Draw(image).rectangle((10, top, 49, top + height - 1), fill=colour)
        top += height
    return image


def packed(*names: str) -> np.ndarray:
    """The measured colours of some products, as an index stores them."""
    return np.stack([measure_colours(np.asarray(drawn(name))).to_array() for name in names])
