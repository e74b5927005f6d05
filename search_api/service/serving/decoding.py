"""Decoding of query images in worker processes: an image that crashes its worker fails alone."""

from __future__ import annotations

import asyncio
import math
import multiprocessing
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from typing import Any, Generic, Protocol, TypeVar

from pebble import ProcessPool

from embeddings import ImageTooLargeError
from embeddings.images import DecodingCost
from indexer.image_loading import DecoderCrashedError, WorkerPool, decoder_faults
from search_api.service.admission import FairQueue, current_visit
from search_api.service.serving.decode_task import limit_decoder

__all__ = ["DecodeWorkers", "ImageTask", "start_decoding"]

F = TypeVar("F")
R = TypeVar("R")

G_contra = TypeVar("G_contra", contravariant=True)
S_co = TypeVar("S_co", covariant=True)

_PRELOADED = ["__main__", "search_api.service.serving.decode_task"]

# Work above which an image is large: a third of a second or so.
_LARGE = 40.0


class ImageTask(Protocol[G_contra, S_co]):
    """Work on one image; picklable."""

    @property
    def memory(self) -> int:
        """Bytes of address space that the process may take besides what it has at its start."""

    def cost(self, file: G_contra, /) -> DecodingCost:
        """Estimate what the image costs, before anything is decoded.

        Raises:
            ImageError: The image can't be used, or takes too much memory.
        """

    def __call__(self, file: G_contra, /) -> S_co:
        """Do the work.

        Raises:
            ImageError: The image can't be used.
        """


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


class DecodeWorkers(Generic[F, R]):
    """Pool of processes that decode query images, or look into them, in turns of the callers.

    They start when they are needed. An image's cost is estimated from its header first. Large ones
    leave a process to small ones.

    Args:
        task: The work on one image.
        workers: Number of processes.
        seconds: Maximum time for one image; after it, its process is replaced.
        budget: Maximum work of the images of one request, and of those that wait, in megapixels of
            a baseline JPEG.
    """

    def __init__(
        self, task: ImageTask[F, R], workers: int, seconds: float, budget: float = math.inf
    ) -> None:
        self._task = task
        self._workers = workers
        self._seconds = seconds
        self._budget = budget
        self._turns = FairQueue(workers, most_work=budget)
        self._large_turns = FairQueue(max(1, workers - 1), most_work=budget)
        context = start_decoding()
        self._pool = WorkerPool(
            lambda: ProcessPool(
                max_workers=workers,
                context=context,
                initializer=limit_decoder,
                initargs=[task.memory],
            )
        )

    def warm(self, file: F) -> None:
        """Start every process with an image, so that the first request need not wait for it."""
        futures = [self._submit(file) for _ in range(self._workers)]
        for future in futures:
            future.result()

    async def decode(self, file: F) -> R:
        """Decode one image.

        Raises:
            ImageError: The image can't be used, or its process hung or crashed.
            OverloadedError: Too much waits to be decoded.
        """
        work = (await asyncio.to_thread(self._task.cost, file)).work
        visit = current_visit()
        visit.decoding += work
        if visit.decoding > self._budget:
            raise ImageTooLargeError(
                "the images of the request have too many pixels together; scale them down, or send "
                "fewer at once"
            )
        turns = [self._large_turns] if work > _LARGE else []
        held: list[FairQueue] = []
        try:
            for each in (*turns, self._turns):
                await each.take(visit.caller, work)
                held.append(each)
            try:
                return await self._decode(file, held)
            except (BrokenProcessPool, DecoderCrashedError):
                # An idle process was killed, or another image's process died at this moment.
                return await self._decode(file, held)
        finally:
            for each in held:
                each.give_back()

    async def _decode(self, file: F, held: list[FairQueue]) -> R:
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
            else:
                _give_back_at_end(future, held)
            raise

    def close(self) -> None:
        """End the processes, even while they work."""
        self._pool.close()

    def _submit(self, file: F) -> Future[R]:
        return self._pool.schedule(self._task, [file], self._seconds)


def _give_back_at_end(future: Future[Any], held: list[FairQueue]) -> None:
    """Give the places of a caller that left back when its decode, which goes on, has ended."""
    loop = asyncio.get_running_loop()
    kept = held.copy()
    held.clear()

    def give_back(_: object) -> None:
        with suppress(RuntimeError):  # the loop has ended
            for each in kept:
                loop.call_soon_threadsafe(each.give_back)

    future.add_done_callback(give_back)
