"""Decode pool: worker processes, so that an image that hangs or kills its decoder fails alone."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import Self

from pebble import ProcessExpired, ProcessPool

from embeddings import BrokenImageError
from indexer.errors import BuildError
from indexer.image_loading.decode_task import Decoded, DecodeTask

__all__ = ["DecodePool", "decoder_faults"]


class DecodePool:
    """Worker processes that run one `DecodeTask` on many images.

    Args:
        task: What to do with each image.
        workers: Number of processes, from 1; by default one for each two processors, since the
            encoder needs the rest.
        timeout: Seconds that one image may take.
    """

    def __init__(
        self, task: DecodeTask, *, workers: int | None = None, timeout: float = 30.0
    ) -> None:
        self._task = task
        self._timeout = timeout
        # Not fork: the parent has torch's threads running by the time a build starts.
        self._pool = ProcessPool(
            max_workers=max(1, (os.cpu_count() or 1) // 2) if workers is None else workers,
            context=multiprocessing.get_context("spawn"),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Without this, an interrupted build would wait for images that are no longer needed.
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def submit(self, data: bytes) -> Callable[[], Decoded]:
        """Start decoding an image.

        Returns:
            A function that waits for the decoded image. It raises an `ImageError` if the image
            can't be used, or hung its decoder or killed it, and a `BuildError` if no worker process
            starts.
        """
        future: Future[Decoded] = self._pool.schedule(
            self._task, args=[data], timeout=self._timeout
        )
        return partial(self._result, future)

    def _result(self, future: Future[Decoded]) -> Decoded:
        try:
            with decoder_faults(self._timeout):
                return future.result()
        except BrokenProcessPool as error:
            # A started worker imports the program's main module, and so runs an unguarded script.
            raise BuildError(
                "The processes that decode images did not start. In a script, call build_index "
                "below `if __name__ == '__main__':`, or pass BuildOptions(workers=0)."
            ) from error


@contextmanager
def decoder_faults(seconds: float) -> Iterator[None]:
    """Turn the failure of an image's worker process into an error of the image.

    Args:
        seconds: The time limit of one image.

    Raises:
        BrokenImageError: The worker process inside ran into its time limit, or died.
    """
    try:
        yield
    except TimeoutError as error:
        raise BrokenImageError(
            f"Decoding took longer than {seconds:g} seconds. Re-save the image (JPEG or PNG) and "
            "retry."
        ) from error
    except ProcessExpired as error:
        raise BrokenImageError(
            "The image decoder crashed. Re-save the image (JPEG or PNG) and retry."
        ) from error
