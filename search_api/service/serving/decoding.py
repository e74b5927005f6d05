"""Decoding of query images in worker processes: an image that crashes its worker fails alone."""

from __future__ import annotations

import asyncio
import math
import multiprocessing
from concurrent.futures import Future
from dataclasses import dataclass

from pebble import ProcessPool
from PIL import Image

from embeddings import PixelArray, Preprocess
from embeddings.images import ImageLimits, open_image, open_reduced
from indexer.image_loading import THUMBNAIL_SIDE, decoder_faults

__all__ = ["DecodeWorkers", "ImageFile", "QueryDecodeTask", "QueryImage", "Region"]

# A region narrower than this fraction of the image is decoded at full resolution: no reduction of
# the whole image leaves enough of it.
_SMALLEST_REDUCED = 0.01

Region = tuple[float, float, float, float]
"""Left, top, right and bottom as fractions of an image's sides, 0 to 1."""


@dataclass(frozen=True)
class ImageFile:
    """An image file as received, and the region of it to search with; by default all of it."""

    data: bytes
    region: Region | None = None


@dataclass(frozen=True)
class QueryImage:
    """An image ready for the encoder; workers return nothing else, since it is small.

    Attributes:
        pixels: `[height, width, 3]`, of the image or of its region.
    """

    pixels: PixelArray


@dataclass(frozen=True)
class QueryDecodeTask:
    """Work of a decoding process on one image; picklable, and free of torch."""

    preprocess: Preprocess
    limits: ImageLimits

    def __call__(self, file: ImageFile) -> QueryImage:
        """Decode, crop and preprocess; whole images exactly as `DecodePool` does a product's.

        Raises:
            ImageError: The image can't be used.
        """
        # A large JPEG is decoded at a reduced size, which is several times faster.
        needed = max(self.preprocess.least_side, THUMBNAIL_SIDE)
        if file.region is None:
            opened = open_reduced(file.data, limits=self.limits, target=needed)
            return QueryImage(self.preprocess(opened.image, opened.reduction))
        left, top, right, bottom = file.region
        needed = math.ceil(needed / max(min(right - left, bottom - top), _SMALLEST_REDUCED))
        image = open_image(file.data, limits=self.limits, target=needed)
        return QueryImage(self.preprocess(_crop(image, file.region)))


class DecodeWorkers:
    """Pool of processes that decode query images.

    Args:
        task: The work on one image.
        workers: Number of processes.
        seconds: Maximum time for one image; after it, its process is replaced.
    """

    def __init__(self, task: QueryDecodeTask, workers: int, seconds: float) -> None:
        self._task = task
        self._workers = workers
        self._seconds = seconds
        # Not fork: torch's threads are running.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPool(max_workers=workers, context=context)

    def warm(self, file: ImageFile) -> None:
        """Start every process with an image, so that the first request need not wait for it."""
        futures = [self._submit(file) for _ in range(self._workers)]
        for future in futures:
            future.result()

    async def decode(self, file: ImageFile) -> QueryImage:
        """Decode one image.

        Raises:
            ImageError: The image can't be used, or its process hung or crashed.
        """
        future = self._submit(file)
        decoded = asyncio.wrap_future(future)
        # Retrieved here, or asyncio logs an error that no caller waits for any more.
        decoded.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            # A running decode is not cancelled, since pebble would kill its process.
            with decoder_faults(self._seconds):
                return await asyncio.shield(decoded)
        except asyncio.CancelledError:
            if not future.running():
                future.cancel()
            raise

    def close(self) -> None:
        """End the processes, even while they work."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def _submit(self, file: ImageFile) -> Future[QueryImage]:
        future: Future[QueryImage] = self._pool.schedule(
            self._task, args=[file], timeout=self._seconds
        )
        return future


def _crop(image: Image.Image, region: Region) -> Image.Image:
    """Return a region of an image, at least one pixel."""
    (width, height), (left, top, right, bottom) = image.size, region
    x, y = min(int(left * width), width - 1), min(int(top * height), height - 1)
    box = (x, y, max(x + 1, round(right * width)), max(y + 1, round(bottom * height)))
    return image.crop(box)
