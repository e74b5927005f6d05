"""Image decoders: worker processes, or the calling thread, behind one protocol."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol, Self

import numpy as np

from embeddings import ImageError
from indexer.image_loading.decode_pool import DecodePool
from indexer.image_loading.decode_task import DecodeTask
from indexer.image_loading.decoded_batch import (
    BatchInDecoder,
    DecodedBatch,
    Outcome,
    gather_pixels,
)

__all__ = ["ImageDecoder", "InThreadDecoder", "open_decoder"]


class ImageDecoder(Protocol):
    """Decodes batches of images; a context manager that ends what it started."""

    @property
    def capacity(self) -> int:
        """The number of batches that may be submitted and not yet released, from 1."""

    def __enter__(self) -> Self:
        """Start."""

    def __exit__(self, *_: object) -> None:
        """End, without waiting for images under way."""

    def submit(self, images: Sequence[bytes]) -> BatchInDecoder:
        """Start decoding images, given as the bytes of their files.

        Raises:
            ValueError: As many batches as `capacity` are not yet released.
        """


class InThreadDecoder:
    """Decodes in the thread that submits a batch.

    It starts at once, where worker processes take half a second. Nothing contains a decoder that
    hangs or crashes: it takes the program along, so this is for images from a trusted source.

    Args:
        task: What to do with each image.
    """

    capacity = 3  # one that is decoded, one that waits, one that is encoded

    def __init__(self, task: DecodeTask) -> None:
        self._task = task

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, images: Sequence[bytes]) -> BatchInDecoder:
        """As `ImageDecoder.submit`, but the images are decoded when it returns."""
        pixels = np.empty((len(images), *self._task.pixels_shape), np.uint8)
        outcomes: list[Outcome] = []
        for place, data in zip(pixels, images, strict=True):
            try:
                decoded = self._task(data, alone=True)
            except ImageError as error:
                outcomes.append(error)
            else:
                place[...] = decoded.pixels
                outcomes.append(decoded.details)
        return _DecodedInThread(
            DecodedBatch(gather_pixels(pixels, outcomes), outcomes, lambda: None)
        )


class _DecodedInThread:
    """A batch that is decoded already."""

    def __init__(self, decoded: DecodedBatch) -> None:
        self._decoded = decoded
        self.ready: Future[None] = Future()
        self.ready.set_result(None)

    def result(self) -> DecodedBatch:
        return self._decoded


def open_decoder(
    task: DecodeTask, *, batch_size: int, workers: int | None, timeout: float
) -> ImageDecoder:
    """Make the decoder for a number of worker processes.

    Args:
        task: What to do with each image.
        batch_size: The largest number of images that is submitted at once.
        workers: Number of processes; None chooses it, 0 decodes in the calling thread.
        timeout: Seconds that a process may take for one image.
    """
    if workers == 0:
        return InThreadDecoder(task)
    return DecodePool(task, batch_size=batch_size, workers=workers, timeout=timeout)
