"""Images that the tests of vision share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from search_api.demo import draw_catalog

PORTRAIT = Path(__file__).parents[2] / "data" / "vision" / "portrait.jpg"

# The middle of the face in the portrait, as fractions of its sides.
FACE = (0.44, 0.24)


def portrait() -> Image.Image:
    """Return an image with one face."""
    with Image.open(PORTRAIT) as image:
        return image.convert("RGB")


def crowd(columns: int, rows: int, side: int) -> Image.Image:
    """Return an image with the same head many times."""
    head = portrait().crop((40, 0, 190, 150)).resize((side, side))
    image = Image.new("RGB", (columns * side, rows * side))
    for number in range(columns * rows):
        image.paste(head, (number % columns * side, number // columns * side))
    return image


def contains(box: tuple[float, float, float, float], point: tuple[float, float]) -> bool:
    return box[0] < point[0] < box[2] and box[1] < point[1] < box[3]


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def scene() -> tuple[Image.Image, list[tuple[float, float, float, float]]]:
    """Return an image of three drawn products, and where they are, as fractions of the sides."""
    image = Image.new("RGB", (600, 400), (200, 190, 175))
    boxes = []
    for product, (x, y) in zip(draw_catalog(3), ((20, 30), (220, 150), (420, 20)), strict=True):
        image.paste(product.image.convert("RGB").resize((160, 160)), (x, y))
        boxes.append((x / 600, y / 400, (x + 160) / 600, (y + 160) / 400))
    return image, boxes
