"""Queue of the batcher: items that wait, their admission, and the choice of the next batch."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from search_api.service.errors import DeadlineError, OverloadedError

__all__ = ["BatchKind", "BatchOptions", "BatchQueue", "Item"]

# Share of the latest batch in the running estimate of an item's cost.
_SMOOTHING = 0.2


class BatchKind(StrEnum):
    """A kind of items; items of one kind can go through the model together."""

    IMAGES = "pictures"
    TEXTS = "texts"


@dataclass(frozen=True)
class BatchOptions:
    """How items are gathered into batches.

    Attributes:
        max_batch: Maximum items of one batch, by kind.
        max_wait: Seconds that an incomplete batch may wait for more items, from the end of a batch
            of several. If the last batch had one item, nothing waits.
        max_waiting: Number of waiting items of a kind from which on more are refused. It bounds
            the wait of accepted items, whatever the load.
    """

    max_batch: Mapping[BatchKind, int]
    max_wait: float = 0.002
    max_waiting: int = 32


@dataclass(frozen=True)
class Item:
    """A value that waits for the model.

    Attributes:
        value: The value.
        future: Receives the answer.
        queued_at: When it was added, by the queue's clock.
        deadline: When its answer is no longer needed, by the queue's clock.
    """

    value: Any
    future: Future[Any]
    queued_at: float
    deadline: float


class BatchQueue:
    """Waiting items by kind. It is not thread-safe: callers hold a lock.

    Args:
        kinds: The kinds of items.
        options: Sizes and limits.
        clock: Seconds, as `time.monotonic`.
    """

    def __init__(
        self, kinds: Iterable[BatchKind], options: BatchOptions, clock: Callable[[], float]
    ) -> None:
        self._options = options
        self._clock = clock
        self._waiting: dict[BatchKind, deque[Item]] = {kind: deque() for kind in kinds}
        self._seconds_per_item = dict.fromkeys(self._waiting, 0.0)
        self._last_end = -math.inf
        self._last_size = 0

    def __bool__(self) -> bool:
        """Return whether any item waits."""
        return any(self._waiting.values())

    def add(self, kind: BatchKind, values: Sequence[Any], deadline: float) -> list[Future[Any]]:
        """Add the values of one request: all of them, or none.

        Raises:
            OverloadedError: The queue is full, or too long for the deadline.
        """
        now = self._clock()
        self._admit(kind, deadline - now)
        items = [Item(value, Future(), now, deadline) for value in values]
        self._waiting[kind].extend(items)
        return [item.future for item in items]

    def oldest(self) -> BatchKind | None:
        """Return the kind whose first item has waited longest; None if nothing waits."""
        heads = [(items[0].queued_at, kind) for kind, items in self._waiting.items() if items]
        return min(heads)[1] if heads else None

    def pause(self, kind: BatchKind) -> float:
        """Return the seconds worth waiting for more items.

        Waiting only pays if requests arrive together, so it follows batches of several items.
        """
        full = len(self._waiting[kind]) >= self._options.max_batch[kind]
        if full or self._last_size <= 1:
            return 0.0
        return self._last_end + self._options.max_wait - self._clock()

    def take(self, kind: BatchKind, idle_threads: int) -> list[Item]:
        """Remove the next batch: an equal share for each idle thread, up to the maximum size.

        Cancelled and expired items are dropped.
        """
        waiting, batch = self._waiting[kind], list[Item]()
        now = self._clock()
        share = math.ceil(len(waiting) / idle_threads)
        size = min(self._options.max_batch[kind], share)
        while waiting and len(batch) < size:
            item = waiting.popleft()
            if not item.future.set_running_or_notify_cancel():
                continue
            if now >= item.deadline:
                item.future.set_exception(DeadlineError("The request was not answered in time."))
                continue
            batch.append(item)
        return batch

    def was_idle_at(self, item: Item) -> bool:
        """Return whether no batch ran when an item was added."""
        return item.queued_at >= self._last_end

    def finish(self, kind: BatchKind, size: int, started: float, parallel: int) -> float:
        """Record the end of a batch.

        Args:
            kind: The kind of its items.
            size: Number of its items.
            started: When it began, by the clock.
            parallel: Number of batches that ran side by side, this one included.

        Returns:
            The seconds that it took.
        """
        self._last_end = self._clock()
        self._last_size = size
        seconds = self._last_end - started
        # The queue advances faster by this factor while batches run side by side.
        cost = seconds / size / parallel
        self._seconds_per_item[kind] += _SMOOTHING * (cost - self._seconds_per_item[kind])
        return seconds

    def _admit(self, kind: BatchKind, seconds_left: float) -> None:
        waiting = self._waiting[kind]
        if len(waiting) >= self._options.max_waiting:
            for item in [item for item in waiting if item.future.cancelled()]:
                waiting.remove(item)
        # Only the items ahead count. If an item's own cost counted, a model once measured as too
        # slow for the deadline would get no more work, and never be measured again.
        ahead = sum(
            self._seconds_per_item[each] * len(items) for each, items in self._waiting.items()
        )
        if len(waiting) >= self._options.max_waiting or ahead > seconds_left:
            raise OverloadedError(
                "The service has more requests than it can answer; try again shortly.",
                retry_after=max(1, math.ceil(ahead)),
            )
