"""Catalogs and encoders that the tests of building share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from embeddings import FakeEncoder, FloatArray, PixelArray
from indexer.build import BuildOptions, BuildReport, build_index
from indexer.index import Index

__all__ = [
    "CountingEncoder",
    "build",
    "edit",
    "generation",
    "no_encoder",
    "write_images",
    "write_many",
]


class CountingEncoder(FakeEncoder):
    """Counts the images it embeds, and interrupts the build after some."""

    def __init__(self, stop_after: int | None = None, fingerprint: str = "fake") -> None:
        super().__init__(fingerprint=fingerprint)
        self.images = 0
        self._stop_after = stop_after

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        if self._stop_after is not None and self.images >= self._stop_after:
            raise KeyboardInterrupt
        self.images += len(pixels)
        return super().encode_images(pixels)


def build(
    catalog: Path, index: Path, encoder: FakeEncoder | None = None, **options: object
) -> BuildReport:
    """Build an index, decoding in this process unless the options say otherwise."""
    settings = BuildOptions(**{"workers": 0, **options})  # type: ignore[arg-type]
    return build_index(catalog, index, encoder or FakeEncoder(), settings)


def no_encoder(name: str) -> FakeEncoder:
    raise AssertionError(f"{name} is not needed")


def edit(catalog: Path, old: str, new: str) -> None:
    """Replace a text of a catalog file that is there."""
    text = catalog.read_text("utf-8")
    assert old in text
    catalog.write_text(text.replace(old, new), "utf-8")


def generation(index: Path) -> int:
    return Index.open(index).manifest.generation


def write_many(folder: Path, count: int) -> Path:
    """Write a catalog of products `p0`, `p1`... with the number `n`; returns its CSV file."""
    folder.mkdir()
    lines = ["id,image,n"]
    for number in range(count):
        colour = (number % 256, number // 256, 90)
        Image.new("RGB", (2, 2), colour).save(folder / f"{number}.bmp")
        lines.append(f"p{number},{number}.bmp,{number}")
    (folder / "catalog.csv").write_text("\n".join(lines) + "\n")
    return folder / "catalog.csv"


def write_images(folder: Path, count: int, blue: int = 9) -> dict[str, np.ndarray]:
    """Write images of one colour each; returns their colours by the name of the file."""
    folder.mkdir(exist_ok=True)
    colours = {}
    for number in range(count):
        colour = (number * 255 // count, 255 - number, blue)
        Image.new("RGB", (4, 4), colour).save(folder / f"{number:02}.png")
        colours[f"{number:02}.png"] = np.array(colour)
    return colours
