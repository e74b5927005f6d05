"""Phrases for what is no product, and for what says nothing about one."""

from __future__ import annotations

__all__ = ["NO_PRODUCT", "PLAIN"]

# What competes with the labels of an exclusive group, so that a picture of none of them has
# somewhere to go. Written by hand.
NO_PRODUCT: tuple[str, ...] = (
    "a blank image",
    "an empty white picture",
    "a plain single-coloured surface",
    "random noise",
    "television static",
    "a colour gradient",
    "a checkerboard",
    "a test pattern of stripes",
    "a bar chart",
    "a line chart",
    "a pie chart",
    "a diagram",
    "a page of text",
    "a screenshot of a website",
    "a spreadsheet",
    "a blurred photo of nothing",
)

# What an independent label is held against where no pictures are known.
PLAIN: tuple[str, ...] = (
    "a photo",
    "a picture",
    "an image",
    "a product photo",
    "a photo of a product",
)
