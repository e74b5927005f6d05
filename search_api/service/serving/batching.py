"""The dynamic batcher: encodes that come in one by one go through the model together."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog

from search_api.service.errors import DeadlineError, ModelMemoryError, OverloadedError

__all__ = ["BatchOptions", "Batcher", "Lane", "OnBatch", "Work"]

_log = structlog.get_logger(__name__)

# How much of the latest batch goes into the running estimate of what one item costs.
_SMOOTHING = 0.2

Work = Callable[[Sequence[Any]], Sequence[Any]]
"""Takes a batch, gives one answer for each item, in order."""

OnBatch = Callable[["Lane", int, float], None]
"""Called with a lane, how many items a batch had, and the seconds it took."""


class Lane(StrEnum):
    """What can go through the model together."""

    PICTURES = "pictures"
    TEXTS = "texts"


@dataclass(frozen=True)
class BatchOptions:
    """How items are gathered.

    Attributes:
        max_batch: Most items of one batch, by lane.
        max_wait: Seconds a batch that is not full may wait for more, counted from the end of a
            batch that held several. Where nothing else was asked lately, nothing waits.
        max_waiting: Items in a lane from which on more are refused. What is accepted waits for
            about so many to be done, whatever the load.
    """

    max_batch: Mapping[Lane, int]
    max_wait: float = 0.002
    max_waiting: int = 32


@dataclass(frozen=True)
class _Item:
    value: Any
    future: Future[Any]
    since: float
    deadline: float


class Batcher:
    """Lanes of waiting items, and the threads that work on them; for callers on any thread.

    A thread takes the lane whose first item has waited longest. What came in while it worked is
    the next batch, so that batches grow with the load by themselves and a lone item goes at once.
    An item that was cancelled or whose deadline has passed is dropped before it costs anything.

    When a batch fails, its halves are tried, down to single items, so that only the item to blame
    fails. When it runs out of memory, it is halved once, and then refused.

    Args:
        work: What is done with a lane's batch where there is no other, and by one thread at a time.
        options: Sizes and limits.
        crew: What is done with lanes' batches side by side where there are several, one for each
            thread; empty where one batch follows the other.
        clock: Seconds, as `time.monotonic`; deadlines are in its terms.
        on_batch: Told of every batch, on the thread that did it.
    """

    def __init__(
        self,
        work: Mapping[Lane, Work],
        options: BatchOptions,
        *,
        crew: Sequence[Mapping[Lane, Work]] = (),
        clock: Callable[[], float] = time.monotonic,
        on_batch: OnBatch = lambda lane, size, seconds: None,
    ) -> None:
        self._work = work
        self._crew = crew or [work]
        self._options = options
        self._clock = clock
        self._on_batch = on_batch
        self._lanes: dict[Lane, deque[_Item]] = {lane: deque() for lane in work}
        self._changed = threading.Condition()
        self._closed = False
        # Of the threads that are at a batch, since when.
        self._since: dict[int, float] = {}
        self._ended = -math.inf
        self._last_size = 0
        self._cost = dict.fromkeys(work, 0.0)
        self._threads = [
            threading.Thread(target=self._run, args=[number], name=f"encoder-{number}", daemon=True)
            for number in range(len(self._crew))
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, lane: Lane, values: Sequence[Any], deadline: float = math.inf
    ) -> list[Future[Any]]:
        """Queue the items of one request: all of them, or none.

        Args:
            lane: What they are.
            values: The items.
            deadline: When, by the clock, nobody wants them any more.

        Returns:
            A future for each; cancelling one takes its item out of the queue.

        Raises:
            OverloadedError: The lane is full, or could not be done by the deadline.
        """
        now = self._clock()
        with self._changed:
            if self._closed:
                raise OverloadedError("The service is stopping; ask another one.")
            self._admit(lane, deadline - now)
            items = [_Item(value, Future(), now, deadline) for value in values]
            self._lanes[lane].extend(items)
            self._changed.notify()
        return [item.future for item in items]

    def now(self) -> float:
        """What the clock shows."""
        return self._clock()

    def busy_for(self) -> float:
        """Seconds since the oldest batch under way began; 0 when idle."""
        with self._changed:
            since = min(self._since.values(), default=math.inf)
        return max(0.0, self._clock() - since)

    def close(self, timeout: float | None = None) -> None:
        """Finish what is queued, then end the threads; waits for each up to `timeout` seconds."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout)

    def _admit(self, lane: Lane, left: float) -> None:
        queue = self._lanes[lane]
        if len(queue) >= self._options.max_waiting:
            for item in [item for item in queue if item.future.cancelled()]:
                queue.remove(item)
        # Only what is ahead counts: were its own cost counted, a model thought too slow for the
        # deadline would never be asked again, and so never be found quicker.
        ahead = sum(self._cost[each] * len(items) for each, items in self._lanes.items())
        if len(queue) >= self._options.max_waiting or ahead > left:
            raise OverloadedError(
                "The service has more requests than it can answer; try again shortly.",
                retry_after=max(1, math.ceil(ahead)),
            )

    def _run(self, number: int) -> None:
        while (batch := self._next(number)) is not None:
            lane, items, work = batch
            start = self._clock()
            self._answer(work[lane], lane, items)
            took = self._ends(number, lane, len(items), start)
            try:
                self._on_batch(lane, len(items), took)
            except Exception:
                _log.exception("a batch could not be reported")

    def _ends(self, number: int, lane: Lane, size: int, start: float) -> float:
        """Note that a thread has done its batch; returns the seconds that it took."""
        with self._changed:
            # Side by side, each of so many seconds brings the queue on by a share of an item.
            beside = len(self._since)
            del self._since[number]
            self._ended = self._clock()
            self._last_size = size
            took = self._ended - start
            self._cost[lane] += _SMOOTHING * (took / size / beside - self._cost[lane])
        return took

    def _next(self, number: int) -> tuple[Lane, list[_Item], Mapping[Lane, Work]] | None:
        with self._changed:
            while True:
                lane = self._oldest()
                if lane is None:
                    if self._closed:
                        return None
                    self._changed.wait()
                    continue
                pause = self._pause(lane)
                if pause > 0:
                    self._changed.wait(pause)
                    continue
                items = self._take(lane)
                if items:
                    more = any(self._lanes.values())
                    if more:
                        self._changed.notify()
                    alone = not more and not self._since
                    self._since[number] = self._clock()
                    return lane, items, self._work if alone else self._crew[number]

    def _oldest(self) -> Lane | None:
        heads = [(queue[0].since, lane) for lane, queue in self._lanes.items() if queue]
        return min(heads)[1] if heads else None

    def _pause(self, lane: Lane) -> float:
        """Seconds worth waiting for more items: only where several came together just now."""
        full = len(self._lanes[lane]) >= self._options.max_batch[lane]
        if full or self._last_size < 2 or self._closed:
            return 0.0
        return self._ended + self._options.max_wait - self._clock()

    def _take(self, lane: Lane) -> list[_Item]:
        queue, items = self._lanes[lane], list[_Item]()
        now = self._clock()
        idle = len(self._crew) - len(self._since)
        most = min(self._options.max_batch[lane], -(-len(queue) // idle))
        while queue and len(items) < most:
            item = queue.popleft()
            if not item.future.set_running_or_notify_cancel():
                continue
            if now >= item.deadline:
                item.future.set_exception(DeadlineError("The request was not answered in time."))
                continue
            items.append(item)
        return items

    def _answer(
        self, work: Work, lane: Lane, items: Sequence[_Item], *, halved: bool = False
    ) -> None:
        try:
            answers = list(work([item.value for item in items]))
            if len(answers) != len(items):
                raise ValueError(f"{len(answers)} answers for {len(items)} {lane}")
        except MemoryError:
            if halved or len(items) == 1:
                error = ModelMemoryError("The model ran out of memory; try again shortly.")
                _fail(items, error)
                return
            _log.warning("out of memory, batch halved", lane=lane, items=len(items))
            self._halves(work, lane, items, halved=True)
        except Exception as error:
            if len(items) == 1:
                _fail(items, error)
                return
            self._halves(work, lane, items, halved=halved)
        else:
            for item, answer in zip(items, answers, strict=True):
                if isinstance(answer, Exception):
                    item.future.set_exception(answer)
                else:
                    item.future.set_result(answer)

    def _halves(self, work: Work, lane: Lane, items: Sequence[_Item], *, halved: bool) -> None:
        middle = len(items) // 2
        self._answer(work, lane, items[:middle], halved=halved)
        self._answer(work, lane, items[middle:], halved=halved)


def _fail(items: Sequence[_Item], error: Exception) -> None:
    for item in items:
        item.future.set_exception(error)
