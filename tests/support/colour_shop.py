"""A catalog whose product types are the colours that the fake encoder knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["write_colour_shop"]


def write_colour_shop(folder: Path, count: int, *, fields: bool = True) -> Path:
    """Write a catalog of plain images, a third each of red, green and blue ones of many shades."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    lines = ["id,image,title,product_type" if fields else "id,image"]
    for number in range(count):
        axis = number % 3
        colour = rng.integers(0, 90, 3)
        colour[axis] = 255
        Image.new("RGB", (16, 16), tuple(colour.tolist())).save(folder / f"{number}.png")
        name = ("red", "green", "blue")[axis]
        more = f",{name} thing number{number},{name}" if fields else ""
        lines.append(f"{number},{number}.png{more}")
    (folder / "shop.csv").write_text("\n".join(lines) + "\n")
    return folder / "shop.csv"
