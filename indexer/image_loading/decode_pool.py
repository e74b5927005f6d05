"""Decoding pictures in worker processes, so that one that hangs or dies harms only itself."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from pebble import ProcessExpired, ProcessPool

from embeddings import BrokenImageError, PixelArray, Preprocess
from embeddings.images import ImageLimits, make_thumbnail, open_image
from indexer.colours import ColourArray, measured

__all__ = ["THUMBNAIL_SIDE", "DecodePool", "DecodeTask", "Decoded", "decoder_faults"]

THUMBNAIL_SIDE = 320


@dataclass(frozen=True)
class Decoded:
    """A decoded picture: the encoder's `[height, width, 3]` pixels, a WebP thumbnail, colours.

    The thumbnail is empty where none is wanted; colours are `[5, 4]`.
    """

    pixels: PixelArray
    thumbnail: bytes
    colours: ColourArray


@dataclass(frozen=True)
class DecodeTask:
    """What is done to each picture; picklable, and free of torch."""

    preprocess: Preprocess
    thumbnails: bool = True
    limits: ImageLimits = field(default_factory=ImageLimits)

    def __call__(self, data: bytes) -> Decoded:
        """Decode one picture.

        Raises:
            ImageError: If it can't be used.
        """
        useful = max(*self.preprocess.size, THUMBNAIL_SIDE if self.thumbnails else 0)
        image = open_image(data, limits=self.limits, target=useful)
        thumbnail = make_thumbnail(image, THUMBNAIL_SIDE) if self.thumbnails else b""
        return Decoded(self.preprocess(image), thumbnail, measured(image))


class DecodePool:
    """Worker processes that run one `DecodeTask` over many pictures.

    Args:
        task: What to do to each picture.
        workers: Number of processes; by default one for each two processors, since the encoder
            needs the rest.
        timeout: Seconds that one picture may take.
    """

    def __init__(
        self, task: DecodeTask, *, workers: int | None = None, timeout: float = 30.0
    ) -> None:
        self._task = task
        self._timeout = timeout
        # Not fork: the parent has torch's threads running by the time a build starts.
        self._pool = ProcessPool(
            max_workers=workers or max(1, (os.cpu_count() or 1) // 2),
            context=multiprocessing.get_context("spawn"),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Without this, an interrupted build would wait for pictures nobody wants any more.
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def submit(self, data: bytes) -> Future[Decoded]:
        """Start decoding a picture; give the future to `result`."""
        future: Future[Decoded] = self._pool.schedule(
            self._task, args=[data], timeout=self._timeout
        )
        return future

    def result(self, future: Future[Decoded]) -> Decoded:
        """Wait for a picture.

        Raises:
            ImageError: If it can't be used, hung its decoder or killed it.
        """
        with decoder_faults(self._timeout):
            return future.result()


@contextmanager
def decoder_faults(seconds: float) -> Iterator[None]:
    """Tell what becomes of a picture's worker process as what is wrong with the picture.

    Args:
        seconds: How long a picture could take.

    Raises:
        BrokenImageError: The worker took longer inside, or died.
    """
    try:
        yield
    except TimeoutError as error:
        raise BrokenImageError(
            f"Decoding took longer than {seconds:g} seconds; save the picture anew."
        ) from error
    except ProcessExpired as error:
        raise BrokenImageError("Its decoder crashed; save the picture anew.") from error
