"""Decoding of query images in worker processes: an image that crashes its worker fails alone."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from multiprocessing.context import BaseContext

from pebble import ProcessPool

from indexer.image_loading import WorkerPool, decoder_faults
from search_api.service.serving.decode_task import ImageFile, QueryDecodeTask, QueryImage

__all__ = ["DecodeWorkers", "start_decoding"]

_PRELOADED = ["__main__", "search_api.service.serving.decode_task"]


def start_decoding() -> BaseContext:
    """Start the process that decoding processes are forked from, which takes a while to import.

    It has no threads, unlike this process once it has loaded a model. A fork takes milliseconds,
    where a new process would import everything again; and what was imported is shared memory.

    Returns:
        How to start decoding processes: new ones, if the folder for temporary files has no place
        for that process's socket.
    """
    multiprocessing.set_forkserver_preload(_PRELOADED)
    try:
        forkserver.ensure_running()
    except OSError:
        return multiprocessing.get_context("spawn")
    return multiprocessing.get_context("forkserver")


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
        context = start_decoding()
        self._pool = WorkerPool(lambda: ProcessPool(max_workers=workers, context=context))

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
        try:
            return await self._decode(file)
        except BrokenProcessPool:  # an idle process was killed: new ones start
            return await self._decode(file)

    async def _decode(self, file: ImageFile) -> QueryImage:
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
        self._pool.close()

    def _submit(self, file: ImageFile) -> Future[QueryImage]:
        return self._pool.schedule(self._task, [file], self._seconds)
