"""Every picture of an index, numbered through, and what its stored thumbnail tells."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.index.index import Index
from indexer.index.segments import Segment

__all__ = [
    "SCAN_SIDE",
    "ImageScan",
    "ImageTable",
    "Progress",
    "open_thumbnail",
    "scan_images",
]

SCAN_SIDE = 16
"""Side of the small grey copies, in pixels."""

_Whole = TypeVar("_Whole", np.int32, np.int64)

# Thumbnails decoded at a time: bounds what waits in memory.
_BATCH = 2048

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done, and how many there are."""


class ImageTable:
    """The pictures of an index that can be found, numbered from 0 by segment and row.

    Attributes:
        index: The generation they belong to.
        segment: `[n]`, each picture's segment, as a place in `index.segments`.
        row: `[n]`, its row there.
        product: `[n]`, its product, numbered from 0 in the same way.
        product_segment: `[products]`, each product's segment.
        product_row: `[products]`, its row there.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        segments, rows, products, homes, places = [], [], [], [], []
        before = 0
        for number, segment in enumerate(index.segments):
            alive = np.flatnonzero(segment.alive)
            of_row = np.full(len(segment.alive), -1, np.int64)
            of_row[alive] = before + np.arange(len(alive))
            owner = of_row[segment.image_product]
            there = np.flatnonzero(owner >= 0)
            segments.append(np.full(len(there), number, np.int32))
            rows.append(there)
            products.append(owner[there])
            homes.append(np.full(len(alive), number, np.int32))
            places.append(alive)
            before += len(alive)
        self.segment = _joined(segments, np.int32)
        self.row = _joined(rows, np.int64)
        self.product = _joined(products, np.int64)
        self.product_segment = _joined(homes, np.int32)
        self.product_row = _joined(places, np.int64)

    def __len__(self) -> int:
        return len(self.row)

    @property
    def products(self) -> int:
        """How many products there are."""
        return len(self.product_row)

    def locate(self, picture: int) -> tuple[Segment, int]:
        """A picture's segment and row."""
        return self.index.segments[int(self.segment[picture])], int(self.row[picture])

    def position(self, picture: int) -> int:
        """Which of its product's pictures it is, from 0."""
        segment, row = self.locate(picture)
        return row - segment.image_rows(int(segment.image_product[row])).start

    def content(self, picture: int) -> bytes:
        """The SHA-256 of its content."""
        segment, row = self.locate(picture)
        return segment.content(row)

    def thumbnail(self, picture: int) -> bytes:
        """Its WebP thumbnail; empty where the index keeps none."""
        segment, row = self.locate(picture)
        return segment.thumbnail(row)

    def location(self, picture: int) -> str:
        """Where it came from; empty for bytes in Parquet."""
        segment, row = self.locate(picture)
        return segment.location(row)

    def product_id(self, product: int) -> str:
        """The id of a product."""
        segment = self.index.segments[int(self.product_segment[product])]
        return segment.product_id(int(self.product_row[product]))

    def vectors(self, pictures: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of some pictures, `[len(pictures), dim]`."""
        out = np.empty((len(pictures), self.index.manifest.encoder.dim), np.float32)
        for number, segment in enumerate(self.index.segments):
            chosen = self.segment[pictures] == number
            out[chosen] = segment.vectors[self.row[pictures[chosen]]]
        return out


@dataclass(frozen=True)
class ImageScan:
    """What the thumbnails of n pictures tell; zeros for pictures without one.

    Attributes:
        size: `[n, 2]` uint16, width and height of the thumbnail. None is ever enlarged, so that one
            whose longest side is below 320 has the size of its picture.
        spread: `[n]` float32, 0 to 255: how far the middle 99% of the pixels reach, in the channel
            where that is furthest. 0 is one colour all over.
        grey: `[n, SCAN_SIDE, SCAN_SIDE]` uint8, the luminance of a small copy, made a square.
    """

    size: NDArray[np.uint16]
    spread: NDArray[np.float32]
    grey: NDArray[np.uint8]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """`[n]`, which pictures have a thumbnail."""
        return np.asarray(self.size[:, 0] > 0)


def open_thumbnail(data: bytes) -> Image.Image:
    """A stored thumbnail as an RGB picture."""
    with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
        return image.convert("RGB")


def scan_images(
    table: ImageTable, on_progress: Progress = lambda what, done, total: None
) -> ImageScan:
    """Decode every thumbnail once, on all processors; some 0.2 ms (60 x 80) to 2 ms (320) each."""
    count = len(table)
    scan = ImageScan(
        size=np.zeros((count, 2), np.uint16),
        spread=np.zeros(count, np.float32),
        grey=np.zeros((count, SCAN_SIDE, SCAN_SIDE), np.uint8),
    )
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for batch in _batches(count):
            thumbnails = [table.thumbnail(picture) for picture in batch]
            for picture, seen in zip(batch, pool.map(_look, thumbnails), strict=True):
                if seen is not None:
                    scan.size[picture], scan.spread[picture], scan.grey[picture] = seen
            on_progress("Looking at the pictures", batch.stop, count)
    return scan


def _batches(count: int) -> Iterator[range]:
    for start in range(0, count, _BATCH):
        yield range(start, min(start + _BATCH, count))


def _look(data: bytes) -> tuple[tuple[int, int], float, NDArray[np.uint8]] | None:
    if not data:
        return None
    image = open_thumbnail(data)
    # Half a percent at either end is left out: a speck does not make a picture.
    low, high = np.percentile(np.asarray(image).reshape(-1, 3)[:: _stride(image)], (0.5, 99.5), 0)
    small = image.convert("L").resize((SCAN_SIDE, SCAN_SIDE), Image.Resampling.BOX)
    return image.size, float((high - low).max()), np.asarray(small)


def _stride(image: Image.Image) -> int:
    """Every how many pixels are looked at: some 5,000 are plenty."""
    return max(1, image.width * image.height // 5000)


def _joined(parts: Sequence[NDArray[np.integer]], kind: type[_Whole]) -> NDArray[_Whole]:
    return np.concatenate([np.empty(0, kind), *parts]).astype(kind)
