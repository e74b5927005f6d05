"""Images that vision is measured on: rows of the shared catalogs, and changed copies of them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance

__all__ = ["compose", "damaged", "product_mask", "read_images", "relit"]

Box = tuple[float, float, float, float]

# Levels below white from which a pixel belongs to the product.
_WHITE = 238
_SCENE = (640, 480)


def read_images(
    data: Path, name: str, rows: Sequence[int] | NDArray[np.int64]
) -> Iterator[tuple[dict[str, Any], Image.Image]]:
    """Yield the other columns and the image of some rows of a set."""
    table = _table(data, name)
    for row in rows:
        values = {column: table[column][int(row)].as_py() for column in table.column_names}
        content = values.pop("image")
        with Image.open(
            io.BytesIO(content["bytes"] if isinstance(content, dict) else content)
        ) as image:
            yield values, image.convert("RGB")


@cache
def _table(data: Path, name: str) -> pa.Table:
    return pa.concat_tables(
        pq.read_table(path) for path in sorted(data.glob(f"{name}-[0-9]*.parquet"))
    )


def product_mask(image: Image.Image) -> Image.Image:
    """Return the part of a packshot that is no white background, as a mask."""
    darkest = np.asarray(image).min(axis=2)
    return Image.fromarray(((darkest < _WHITE) * 255).astype(np.uint8))


def compose(
    background: Image.Image, products: Sequence[Image.Image], random: np.random.Generator
) -> tuple[Image.Image, list[Box]]:
    """Paste cut-out products on a photo, one in each cell of a grid; returns their boxes too."""
    scene = background.resize(_SCENE)
    columns = 4
    width, height = _SCENE[0] // columns, _SCENE[1] // -(-len(products) // columns)
    boxes = []
    for number, product in enumerate(products):
        scale = random.uniform(0.6, 0.95) * min(width / product.width, height / product.height)
        size = (max(8, round(product.width * scale)), max(8, round(product.height * scale)))
        small, mask = product.resize(size), product_mask(product).resize(size)
        x = number % columns * width + int(random.integers(0, max(1, width - size[0])))
        y = number // columns * height + int(random.integers(0, max(1, height - size[1])))
        scene.paste(small, (x, y), mask)
        left, top, right, bottom = mask.getbbox() or (0, 0, *size)
        boxes.append(
            (
                (x + left) / _SCENE[0],
                (y + top) / _SCENE[1],
                (x + right) / _SCENE[0],
                (y + bottom) / _SCENE[1],
            )
        )
    return scene, boxes


def relit(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Return a packshot shifted, turned and in another light."""
    shift = (int(random.integers(-4, 5)), int(random.integers(-4, 5)))
    turned = image.rotate(
        random.uniform(-4, 4), Image.Resampling.BICUBIC, fillcolor="white", translate=shift
    )
    bright = ImageEnhance.Brightness(turned).enhance(random.uniform(0.92, 1.08))
    return ImageEnhance.Contrast(bright).enhance(random.uniform(0.95, 1.05))


def damaged(
    image: Image.Image, random: np.random.Generator
) -> tuple[Image.Image, NDArray[np.bool_]]:
    """Return a packshot with a spot, a patch or a scratch, and a mask of it.

    It covers 1% to 4% of the product, at a contrast of 15 to 40 of 255 in each channel.
    """
    places = np.argwhere(np.asarray(product_mask(image)) > 0)
    y, x = (int(value) for value in places[random.integers(len(places))])
    area = random.uniform(0.01, 0.04) * len(places)
    mask = Image.new("L", image.size)
    draw = ImageDraw.Draw(mask)
    kind = int(random.integers(3))
    if kind == 0:
        radius = (area / np.pi) ** 0.5
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    elif kind == 1:
        half = area**0.5 / 2
        draw.rectangle((x - half, y - half, x + half, y + half), fill=255)
    else:
        length, angle = (8 * area) ** 0.5, random.uniform(0, np.pi)
        dx, dy = np.cos(angle) * length / 2, np.sin(angle) * length / 2
        draw.line((x - dx, y - dy, x + dx, y + dy), fill=255, width=max(2, int(area / length)))
    there = np.asarray(mask) > 0
    change = random.uniform(15, 40) * random.choice([-1, 1], 3)
    pixels = np.clip(np.asarray(image) + there[..., np.newaxis] * change, 0, 255)
    return Image.fromarray(pixels.astype(np.uint8)), there
