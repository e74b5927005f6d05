"""Image decoders: worker processes, or the calling thread, behind one protocol."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol, Self

from indexer.image_loading.decode_pool import DecodePool
from indexer.image_loading.decode_task import Decoded, DecodeTask

__all__ = ["ImageDecoder", "InThreadDecoder", "open_decoder"]


class ImageDecoder(Protocol):
    """Decodes images; a context manager that ends what it started."""

    def __enter__(self) -> Self:
        """Start."""

    def __exit__(self, *_: object) -> None:
        """End, without waiting for images under way."""

    def submit(self, data: bytes) -> Callable[[], Decoded]:
        """Submit the bytes of an image for decoding.

        Returns:
            A function to call once: it waits for the decoded image, or raises the `ImageError`
            that says why the image can't be used.
        """


class InThreadDecoder:
    """Decodes each image in the thread that asks for its result.

    It starts at once, where worker processes take half a second. Nothing contains a decoder that
    hangs or crashes: it takes the program along, so this is for images from a trusted source.

    Args:
        task: What to do with each image.
    """

    def __init__(self, task: DecodeTask) -> None:
        self._task = task

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, data: bytes) -> Callable[[], Decoded]:
        """As `ImageDecoder.submit`."""
        return partial(self._task, data)


def open_decoder(task: DecodeTask, *, workers: int | None, timeout: float) -> ImageDecoder:
    """Make the decoder for a number of worker processes.

    Args:
        task: What to do with each image.
        workers: Number of processes; None chooses it, 0 decodes in the calling thread.
        timeout: Seconds that a process may take for one image.
    """
    if workers == 0:
        return InThreadDecoder(task)
    return DecodePool(task, workers=workers, timeout=timeout)
