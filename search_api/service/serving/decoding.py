"""Query pictures made pixels in worker processes: one that hangs or kills them fails alone."""

from __future__ import annotations

import asyncio
import math
import multiprocessing
from concurrent.futures import Future
from dataclasses import dataclass

from pebble import ProcessPool
from PIL import Image

from embeddings import PixelArray, Preprocess
from embeddings.images import ImageLimits, open_image
from indexer.image_loading import THUMBNAIL_SIDE, decoder_faults

__all__ = ["GivenPicture", "PictureTask", "PictureWorkers", "QueryPicture", "Region"]

# Of smaller parts the whole picture has no more to show: it is decoded in full.
_SMALLEST_SHARE = 0.01

Region = tuple[float, float, float, float]
"""Left, top, right and bottom, as shares of a picture's sides, 0 to 1."""


@dataclass(frozen=True)
class GivenPicture:
    """A picture file as it came, and the part of it that is meant; all of it by default."""

    data: bytes
    region: Region | None = None


@dataclass(frozen=True)
class QueryPicture:
    """A picture ready for the encoder: all that comes back from a worker, since it is small.

    Attributes:
        pixels: `[height, width, 3]`, of the picture or of the part that is meant.
    """

    pixels: PixelArray


@dataclass(frozen=True)
class PictureTask:
    """What a worker does with a picture; picklable, and free of torch."""

    preprocess: Preprocess
    limits: ImageLimits

    def __call__(self, given: GivenPicture) -> QueryPicture:
        """Decode, cut and preprocess; a whole picture as `DecodePool` does a product's.

        Raises:
            ImageError: It can't be used.
        """
        # A large JPEG is decoded no larger than it need be, which is several times quicker.
        useful = max(*self.preprocess.size, THUMBNAIL_SIDE)
        if given.region is not None:
            left, top, right, bottom = given.region
            useful = math.ceil(useful / max(min(right - left, bottom - top), _SMALLEST_SHARE))
        image = open_image(given.data, limits=self.limits, target=useful)
        if given.region is not None:
            image = _cut(image, given.region)
        return QueryPicture(self.preprocess(image))


class PictureWorkers:
    """Worker processes for the pictures of queries.

    Args:
        task: What they do.
        workers: How many there are.
        seconds: How long one picture may take before its worker is replaced.
    """

    def __init__(self, task: PictureTask, workers: int, seconds: float) -> None:
        self._task = task
        self._workers = workers
        self._seconds = seconds
        # Not fork: torch's threads are running.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPool(max_workers=workers, context=context)

    def warm(self, given: GivenPicture) -> None:
        """Start the workers, each on a picture; the first real one need not wait for it."""
        futures = [self._submit(given) for _ in range(self._workers)]
        for future in futures:
            future.result()

    async def open(self, given: GivenPicture) -> QueryPicture:
        """Decode one picture.

        Raises:
            ImageError: It can't be used, or hung or killed its worker.
        """
        future = self._submit(given)
        opened = asyncio.wrap_future(future)
        # Looked at, or asyncio complains of an error that nobody waits for any more.
        opened.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            # A caller who is gone must not cost the worker that is at his picture its life.
            with decoder_faults(self._seconds):
                return await asyncio.shield(opened)
        except asyncio.CancelledError:
            if not future.running():
                future.cancel()
            raise

    def close(self) -> None:
        """End the workers, whatever they are at."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def _submit(self, given: GivenPicture) -> Future[QueryPicture]:
        future: Future[QueryPicture] = self._pool.schedule(
            self._task, args=[given], timeout=self._seconds
        )
        return future


def _cut(picture: Image.Image, region: Region) -> Image.Image:
    """The part of a picture between shares of its sides, a pixel at least."""
    (width, height), (left, top, right, bottom) = picture.size, region
    x, y = min(int(left * width), width - 1), min(int(top * height), height - 1)
    box = (x, y, max(x + 1, round(right * width)), max(y + 1, round(bottom * height)))
    return picture.crop(box)
