"""Decode pool: worker processes, so that an image that hangs or kills its decoder fails alone."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import Self

from pebble import ProcessExpired, ProcessPool

from embeddings import BrokenImageError, BufferedImageError, PixelArray
from embeddings.onnx import processors
from indexer.errors import BuildError
from indexer.image_loading.decode_task import DecodeTask
from indexer.image_loading.decode_worker import decode_images, start_worker
from indexer.image_loading.decoded_batch import DecodedBatch, Outcome, gather_pixels
from indexer.image_loading.pixel_memory import PixelMemory
from indexer.image_loading.worker_pool import WorkerPool

__all__ = ["DecodePool", "DecoderCrashedError", "decoder_faults"]

# Images of one task. For 60x80 images, which take 1.7 ms to decode, a task for each image costs the
# build's own process 0.24 ms an image; with 8 images a task it is 0.09 ms, with 16 0.05 ms.
_TASK_IMAGES = 16
# Bytes of image files after which a task is full: large images need no company.
_TASK_BYTES = 2**18
# Batches besides those that keep the workers busy: one that is encoded, one that waits for the
# encoder, one that is being read.
_BATCHES = 3


class DecodePool:
    """Worker processes that run one `DecodeTask` on many images.

    The pixels stay in memory that the processes share. A task of several images that hangs or dies
    is repeated with each of them alone, so that the others are not lost; its process is gone by
    then, and can't write into their places any more.

    Args:
        task: What to do with each image.
        batch_size: The largest number of images of a batch.
        workers: Number of processes, from 1; by default one for each processor. Where the encoder
            needs the processors too, the system shares them out, and the slower stage gets more.
        timeout: Seconds that one image may take.
    """

    def __init__(
        self,
        task: DecodeTask,
        *,
        batch_size: int = 64,
        workers: int | None = None,
        timeout: float = 30.0,
    ) -> None:
        workers = processors() if workers is None else workers
        self.capacity = _BATCHES + -(-2 * workers * _TASK_IMAGES // batch_size)
        self._memory = PixelMemory((self.capacity, batch_size, *task.pixels_shape))
        self._free = list(range(self.capacity))
        self._timeout = timeout
        self._pool = WorkerPool(
            lambda: ProcessPool(
                max_workers=workers,
                initializer=start_worker,
                initargs=[task, self._memory],
                # Not fork: the parent has the encoder's threads running when a build starts.
                context=multiprocessing.get_context("spawn"),
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Without this, an interrupted build would wait for images that are no longer needed.
        self._pool.close()
        self._memory.close()

    def submit(self, images: Sequence[bytes]) -> _BatchInPool:
        """As `ImageDecoder.submit`."""
        if not self._free:
            raise ValueError(f"at most {self.capacity} batches may be in use")
        block = self._free.pop()
        return _BatchInPool(
            images,
            self._memory.array[block, : len(images)],
            partial(self._schedule, block),
            lambda: self._free.append(block),
            lambda: self._pool.worked,
            self._timeout,
        )

    def _schedule(
        self, block: int, first: int, images: Sequence[bytes], *, alone: bool = False
    ) -> Future[list[Outcome]]:
        return self._pool.schedule(
            decode_images, [block, first, images], self._timeout, alone=alone
        )


class DecoderCrashedError(BrokenImageError):
    """The image's process died, most likely at this image.

    Of a process that dies just after it began a task, pebble (5.2) may blame the one that it had
    completed before: it looks at processes before it reads what they sent last. So an image is to
    blame once it has failed twice.
    """


class _PoolEndedError(BrokenImageError):
    """All processes are gone, maybe without a fault of the image."""


class _BatchInPool:
    """A batch that workers decode, some images a task.

    Args:
        images: The bytes of their files.
        pixels: `[n, height, width, 3]`, where the workers write.
        schedule: Starts a task on some images of the batch, from the one with the given number on;
            `alone` as in `DecodeTask`.
        release: Gives the memory of the pixels back.
        worked: Tells whether the processes ever completed a task.
        timeout: Seconds that a task may take.

    Attributes:
        ready: Completes once all tasks have ended.
    """

    def __init__(
        self,
        images: Sequence[bytes],
        pixels: PixelArray,
        schedule: Callable[..., Future[list[Outcome]]],
        release: Callable[[], None],
        worked: Callable[[], bool],
        timeout: float,
    ) -> None:
        self.ready: Future[None] = Future()
        self._pixels = pixels
        self._schedule = schedule
        self._release = release
        self._worked = worked
        self._timeout = timeout
        self._lock = threading.Lock()
        parts = list(_split(images))
        self._unfinished = len(parts)
        self._tasks = [(first, part, schedule(first, part)) for first, part in parts]
        for _, _, future in self._tasks:
            future.add_done_callback(self._finish_task)

    def result(self) -> DecodedBatch:
        """As `BatchInDecoder.result`."""
        outcomes: list[Outcome] = []
        for first, images, future in self._tasks:
            try:
                outcomes += self._outcomes(future)
            except (_PoolEndedError, DecoderCrashedError):
                outcomes += self._decode_alone(first, images)
            except BrokenImageError as error:
                outcomes += [error] if len(images) == 1 else self._decode_alone(first, images)
        self._decode_large(outcomes)
        return DecodedBatch(gather_pixels(self._pixels, outcomes), outcomes, self._release)

    def _decode_large(self, outcomes: list[Outcome]) -> None:
        """Decode the images that need much memory, one after another.

        One thread asks for the results of all batches, so that no two of them are decoded at once.
        """
        images = [data for _, part, _ in self._tasks for data in part]
        for number, outcome in enumerate(outcomes):
            if isinstance(outcome, BufferedImageError):
                future = self._schedule(number, [images[number]], alone=True)
                outcomes[number] = self._outcome(future, number, images[number], alone=True)

    def _decode_alone(self, first: int, images: Sequence[bytes]) -> list[Outcome]:
        """Decode the images of a task that failed again, a task for each."""
        futures = [self._schedule(first + number, [data]) for number, data in enumerate(images)]
        return [
            self._outcome(future, first + number, images[number])
            for number, future in enumerate(futures)
        ]

    def _outcome(
        self, future: Future[list[Outcome]], number: int, data: bytes, **options: bool
    ) -> Outcome:
        """Return the outcome of one image's task, which is repeated if its process died."""
        try:
            try:
                (outcome,) = self._outcomes(future)
            except DecoderCrashedError:
                (outcome,) = self._outcomes(self._schedule(number, [data], **options))
        except BrokenImageError as error:
            return error
        return outcome

    def _outcomes(self, future: Future[list[Outcome]]) -> list[Outcome]:
        """Return the outcomes of a task.

        Raises:
            BrokenImageError: The task hung, or its process died.
            BuildError: No process can start.
        """
        try:
            with decoder_faults(self._timeout):
                return future.result()
        except BrokenProcessPool as error:
            if self._worked():
                raise _PoolEndedError("The image decoders ended; retry.") from error
            # A started worker imports the program's main module, and so runs an unguarded script.
            raise BuildError(
                "The processes that decode images did not start. In a script, call build_index "
                "below `if __name__ == '__main__':`, or pass BuildOptions(workers=0)."
            ) from error

    def _finish_task(self, _: object) -> None:
        with self._lock:
            self._unfinished -= 1
            finished = not self._unfinished
        if finished:
            self.ready.set_result(None)


def _split(images: Sequence[bytes]) -> Iterator[tuple[int, Sequence[bytes]]]:
    """Yield the images of each task, with the number of the first of them."""
    first = size = 0
    for number, data in enumerate(images):
        if number > first and (number - first == _TASK_IMAGES or size + len(data) > _TASK_BYTES):
            yield first, images[first:number]
            first, size = number, 0
        size += len(data)
    yield first, images[first:]


@contextmanager
def decoder_faults(seconds: float) -> Iterator[None]:
    """Turn the failure of an image's worker process into an error of the image.

    Args:
        seconds: The time limit of one image.

    Raises:
        DecoderCrashedError: The worker process inside died.
        BrokenImageError: It ran into its time limit.
    """
    try:
        yield
    except TimeoutError as error:
        raise BrokenImageError(
            f"Decoding took longer than {seconds:g} seconds. Re-save the image (JPEG or PNG) and "
            "retry."
        ) from error
    except ProcessExpired as error:
        raise DecoderCrashedError(
            "The image decoder crashed. Re-save the image (JPEG or PNG) and retry."
        ) from error
