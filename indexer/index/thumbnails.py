"""Image table of an index, and a scan of all stored thumbnails: sizes, contrast, small copies."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from embeddings.onnx import processors
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

# Thumbnails decoded between two progress reports, and those that one thread takes at once.
_BATCH, _PART = 2048, 64
# Pixels of a thumbnail that the spread is measured on.
_PIXELS = 5000
# Percentiles between which the spread is measured: half a percent at either end is left out, since
# a speck does not make an image.
_PERCENTILES = (0.5, 99.5)

Progress = Callable[[str, int, int], None]
"""Called with the step, how many are done, and how many there are."""


class ImageTable:
    """The images of an index that can be found, numbered from 0 by segment and row.

    Attributes:
        index: The generation they belong to.
        segment: `[n]` each image's segment, as a place in `index.segments`.
        row: `[n]` its row there.
        product: `[n]` its product, numbered from 0 in the same way.
        product_segment: `[products]` each product's segment.
        product_row: `[products]` its row there.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        segments, rows, owners, product_segments, product_rows = [], [], [], [], []
        before = 0
        for number, segment in enumerate(index.segments):
            alive = np.flatnonzero(segment.alive)
            product_of_row = np.full(len(segment.alive), -1, np.int64)
            product_of_row[alive] = before + np.arange(len(alive))
            owner = product_of_row[segment.image_product]
            found = np.flatnonzero(owner >= 0)
            segments.append(np.full(len(found), number, np.int32))
            rows.append(found)
            owners.append(owner[found])
            product_segments.append(np.full(len(alive), number, np.int32))
            product_rows.append(alive)
            before += len(alive)
        self.segment = _joined(segments, np.int32)
        self.row = _joined(rows, np.int64)
        self.product = _joined(owners, np.int64)
        self.product_segment = _joined(product_segments, np.int32)
        self.product_row = _joined(product_rows, np.int64)

    def __len__(self) -> int:
        return len(self.row)

    @property
    def products(self) -> int:
        """Number of products."""
        return len(self.product_row)

    def locate(self, image: int) -> tuple[Segment, int]:
        """Return the segment and row of an image."""
        return self.index.segments[int(self.segment[image])], int(self.row[image])

    def position(self, image: int) -> int:
        """Return which of its product's images an image is, from 0."""
        segment, row = self.locate(image)
        return row - segment.image_rows(int(segment.image_product[row])).start

    def content(self, image: int) -> bytes:
        """Return the SHA-256 of an image's content."""
        segment, row = self.locate(image)
        return segment.content(row)

    def thumbnail(self, image: int) -> bytes:
        """Return the WebP thumbnail of an image; empty where the index keeps none."""
        segment, row = self.locate(image)
        return segment.thumbnail(row)

    def location(self, image: int) -> str:
        """Return where an image came from; empty for bytes in Parquet."""
        segment, row = self.locate(image)
        return segment.location(row)

    def product_id(self, product: int) -> str:
        """Return the id of a product."""
        segment = self.index.segments[int(self.product_segment[product])]
        return segment.product_id(int(self.product_row[product]))

    def vectors(self, images: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of some images, `[len(images), dim]`."""
        out = np.empty((len(images), self.index.manifest.encoder.dim), np.float32)
        for number, segment in enumerate(self.index.segments):
            chosen = self.segment[images] == number
            out[chosen] = segment.vectors[self.row[images[chosen]]]
        return out


@dataclass(frozen=True)
class ImageScan:
    """Measurements on the thumbnails of n images; zeros for images without one.

    Attributes:
        size: `[n, 2]` uint16, width and height of the thumbnail in pixels. Thumbnails are never
            enlarged: one whose longest side is below 320 has the size of its image.
        spread: `[n]` float32, 0 to 255: the range of the middle 99% of the pixels, in the channel
            where it is largest. 0 is a single colour.
        grey: `[n, SCAN_SIDE, SCAN_SIDE]` uint8, the luminance of a small square copy.
    """

    size: NDArray[np.uint16]
    spread: NDArray[np.float32]
    grey: NDArray[np.uint8]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Mask over the images that have a thumbnail, `[n]`."""
        return np.asarray(self.size[:, 0] > 0)


def open_thumbnail(data: bytes) -> Image.Image:
    """Decode a stored thumbnail to RGB."""
    with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
        return image.convert("RGB")


def scan_images(table: ImageTable, on_progress: Progress | None = None) -> ImageScan:
    """Decode every thumbnail once, on all processors; 0.2 ms (60 x 80) to 2 ms (320) each."""
    count = len(table)
    scan = ImageScan(
        size=np.zeros((count, 2), np.uint16),
        spread=np.zeros(count, np.float32),
        grey=np.zeros((count, SCAN_SIDE, SCAN_SIDE), np.uint8),
    )

    def measure(images: range) -> None:
        for image in images:
            measured = _measure(table.thumbnail(image))
            if measured is not None:
                scan.size[image], scan.spread[image], scan.grey[image] = measured

    with ThreadPoolExecutor(processors()) as pool:
        for batch in _split(range(count), _BATCH):
            for _ in pool.map(measure, _split(batch, _PART)):
                pass  # waits, and raises what a thread raised
            if on_progress is not None:
                on_progress("Looking at the pictures", batch.stop, count)
    return scan


def _split(images: range, size: int) -> Iterator[range]:
    for start in range(0, len(images), size):
        yield images[start : start + size]


def _measure(data: bytes) -> tuple[tuple[int, int], float, NDArray[np.uint8]] | None:
    if not data:
        return None
    image = open_thumbnail(data)
    pixels = np.asarray(image).reshape(-1, 3)
    spread = _spread(pixels[:: max(1, len(pixels) // _PIXELS)])
    small = image.convert("L").resize((SCAN_SIDE, SCAN_SIDE), Image.Resampling.BOX)
    return image.size, spread, np.asarray(small)


def _spread(pixels: NDArray[np.uint8]) -> float:
    """Return the largest range between `_PERCENTILES` of the channels of `[n, 3]` pixels.

    It counts the levels: 256 numbers are quicker than sorting thousands.
    """
    places = np.array(_PERCENTILES) / 100 * (len(pixels) - 1)
    widest = 0.0
    for channel in pixels.T:
        below = np.bincount(channel, minlength=256).cumsum()
        # The levels around each place, and the share of the upper one.
        lower, upper = (below.searchsorted(f(places), "right") for f in (np.floor, np.ceil))
        levels = lower + (upper - lower) * (places % 1)
        widest = max(widest, float(levels[1] - levels[0]))
    return widest


def _joined(parts: Sequence[NDArray[np.integer]], kind: type[_Whole]) -> NDArray[_Whole]:
    return np.concatenate([np.empty(0, kind), *parts]).astype(kind)
