"""Dynamic batcher: encodes that come in one by one go through the model together."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import structlog

from search_api.service.errors import OverloadedError
from search_api.service.serving.batch_queue import BatchKind, BatchOptions, BatchQueue, Item
from search_api.service.serving.batch_runner import Work, run_batch

__all__ = ["Batcher", "OnBatch"]

_log = structlog.get_logger(__name__)

OnBatch = Callable[[BatchKind, int, float], None]
"""Called with the kind of a batch, the number of its items, and the seconds that it took."""


class Batcher:
    """Threads that work on a queue of items in batches; for callers on any thread.

    A thread takes the kind whose first item has waited longest. Items that arrive while it works
    form the next batch, so batches grow with the load, and a lone item is served at once. Items
    that were cancelled or whose deadline has passed are dropped before any work is done.

    Args:
        work: What is done with batches of each kind, if the service was idle when they came.
        options: Sizes and limits.
        parallel_work: What is done with batches that run side by side, one entry for each thread;
            empty to run one batch at a time.
        clock: Seconds, as `time.monotonic`; deadlines use it too.
        on_batch: Called after every batch, on the thread that ran it.
    """

    def __init__(
        self,
        work: Mapping[BatchKind, Work],
        options: BatchOptions,
        *,
        parallel_work: Sequence[Mapping[BatchKind, Work]] = (),
        clock: Callable[[], float] = time.monotonic,
        on_batch: OnBatch | None = None,
    ) -> None:
        self._work = work
        self._parallel_work = parallel_work or [work]
        self._clock = clock
        self._on_batch = on_batch
        self._queue = BatchQueue(work, options, clock)
        # Guards the queue and the fields below.
        self._changed = threading.Condition()
        self._closed = False
        self._running_since: dict[int, float] = {}  # start of each thread's batch
        self._threads = [
            threading.Thread(target=self._run, args=[number], name=f"encoder-{number}", daemon=True)
            for number in range(len(self._parallel_work))
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, kind: BatchKind, values: Sequence[Any], deadline: float = math.inf
    ) -> list[Future[Any]]:
        """Queue the values of one request: all of them, or none.

        Args:
            kind: The kind of the values.
            values: The values.
            deadline: When the answers are no longer needed, by the clock.

        Returns:
            A future for each value; cancelling it removes the value from the queue.

        Raises:
            OverloadedError: The queue is full or too long for the deadline, or closed.
        """
        with self._changed:
            if self._closed:
                raise OverloadedError("The service is stopping; ask another one.")
            futures = self._queue.add(kind, values, deadline)
            self._changed.notify()
        return futures

    def now(self) -> float:
        """Return the clock's time."""
        return self._clock()

    def busy_for(self) -> float:
        """Return the seconds since the oldest running batch began; 0 when idle."""
        with self._changed:
            since = min(self._running_since.values(), default=math.inf)
        return max(0.0, self._clock() - since)

    def close(self, timeout: float | None = None) -> None:
        """Finish the queue, then end the threads; wait up to `timeout` seconds for each."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout)

    def _run(self, number: int) -> None:
        while (batch := self._next(number)) is not None:
            kind, items, work, started = batch
            run_batch(work, kind, items)
            with self._changed:
                parallel = len(self._running_since)
                del self._running_since[number]
                seconds = self._queue.finish(kind, len(items), started, parallel)
            self._report(kind, len(items), seconds)

    def _report(self, kind: BatchKind, size: int, seconds: float) -> None:
        if self._on_batch is None:
            return
        try:
            self._on_batch(kind, size, seconds)
        except Exception:  # noqa: BLE001 (logged; the thread must go on)
            _log.exception("a batch could not be reported")

    def _next(self, number: int) -> tuple[BatchKind, list[Item], Work, float] | None:
        """Wait for a thread's next batch, and mark it as running; None when closed."""
        with self._changed:
            while True:
                kind = self._queue.oldest()
                if kind is None:
                    if self._closed:
                        return None
                    self._changed.wait()
                    continue
                pause = 0.0 if self._closed else self._queue.pause(kind)
                if pause > 0:
                    self._changed.wait(pause)
                    continue
                idle = len(self._parallel_work) - len(self._running_since)
                items = self._queue.take(kind, idle)
                if items:
                    break
            alone = (
                not self._queue and not self._running_since and self._queue.was_idle_at(items[0])
            )
            if self._queue:
                self._changed.notify()
            started = self._running_since[number] = self._clock()
            work = self._work if alone else self._parallel_work[number]
            return kind, items, work[kind], started
