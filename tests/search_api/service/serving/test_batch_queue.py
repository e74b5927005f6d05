"""The batcher's queue by a clock that a test turns: order, admission, deadlines, the window."""

from __future__ import annotations

from typing import Any

import pytest

from search_api.service.errors import DeadlineError, OverloadedError
from search_api.service.serving.batch_queue import BatchKind, BatchOptions, BatchQueue
from tests.support.clock import Clock

IMAGES, TEXTS = BatchKind.IMAGES, BatchKind.TEXTS
NEVER = float("inf")


def queue_of(clock: Clock, **options: Any) -> BatchQueue:
    sizes = dict.fromkeys(BatchKind, 8)
    return BatchQueue(BatchKind, BatchOptions(**{"max_batch": sizes, **options}), clock)


def taken(queue: BatchQueue, kind: BatchKind, idle_threads: int = 1) -> list[Any]:
    return [item.value for item in queue.take(kind, idle_threads)]


def test_kinds_do_not_mix_and_the_oldest_is_next() -> None:
    clock = Clock()
    queue = queue_of(clock)
    assert queue.oldest() is None
    assert not queue
    for kind, value in ((IMAGES, 1), (TEXTS, 2), (IMAGES, 3)):
        clock.now += 1
        queue.add(kind, [value], NEVER)
    assert queue.oldest() is IMAGES
    assert taken(queue, IMAGES) == [1, 3]
    assert queue.oldest() is TEXTS
    assert taken(queue, TEXTS) == [2]
    assert not queue


def test_a_batch_has_a_maximum_size() -> None:
    queue = queue_of(Clock(), max_batch=dict.fromkeys(BatchKind, 3))
    queue.add(TEXTS, range(7), NEVER)
    assert [taken(queue, TEXTS) for _ in range(3)] == [[0, 1, 2], [3, 4, 5], [6]]


def test_idle_threads_share_the_waiting_items() -> None:
    queue = queue_of(Clock())
    queue.add(TEXTS, range(5), NEVER)
    assert taken(queue, TEXTS, idle_threads=2) == [0, 1, 2]
    assert taken(queue, TEXTS, idle_threads=1) == [3, 4]


def test_cancelled_and_expired_items_are_dropped() -> None:
    clock = Clock()
    queue = queue_of(clock)
    (gone,) = queue.add(TEXTS, ["gone"], NEVER)
    (late,) = queue.add(TEXTS, ["late"], clock.now + 5)
    (kept,) = queue.add(TEXTS, ["kept"], clock.now + 6)
    assert gone.cancel()
    clock.now += 5
    assert taken(queue, TEXTS) == ["kept"]
    assert isinstance(late.exception(timeout=0), DeadlineError)
    assert not kept.cancel()  # it is running


def test_a_full_queue_refuses_until_items_are_cancelled() -> None:
    queue = queue_of(Clock(), max_waiting=3)
    waiting = queue.add(TEXTS, [1, 2, 3], NEVER)
    with pytest.raises(OverloadedError) as refused:
        queue.add(TEXTS, [4], NEVER)
    assert refused.value.retry_after == 1
    queue.add(IMAGES, [5], NEVER)  # each kind has a limit of its own
    waiting[1].cancel()
    queue.add(TEXTS, [6], NEVER)
    assert taken(queue, TEXTS) == [1, 3, 6]


def test_a_queue_too_long_for_the_deadline_refuses() -> None:
    """Ten seconds an item were measured, so two waiting items need twenty."""
    clock = Clock()
    queue = queue_of(clock)
    for _ in range(60):
        started, clock.now = clock.now, clock.now + 10.0
        assert queue.finish(TEXTS, 1, started, parallel=1) == 10.0
    queue.add(TEXTS, [1, 2], NEVER)
    with pytest.raises(OverloadedError) as refused:
        queue.add(TEXTS, [3], clock.now + 15.0)
    assert refused.value.retry_after == 20
    queue.add(TEXTS, [4], clock.now + 25.0)
    assert taken(queue, TEXTS) == [1, 2, 4]


def test_batches_side_by_side_advance_the_queue_faster() -> None:
    clock = Clock()
    queue = queue_of(clock)
    for _ in range(60):
        started, clock.now = clock.now, clock.now + 10.0
        queue.finish(TEXTS, 1, started, parallel=2)
    queue.add(TEXTS, [1, 2], NEVER)
    queue.add(TEXTS, [3], clock.now + 10.5)
    with pytest.raises(OverloadedError):
        queue.add(TEXTS, [4], clock.now + 10.5)


def test_only_after_a_batch_of_several_a_batch_waits_for_more() -> None:
    clock = Clock()
    queue = queue_of(clock, max_wait=0.5)
    queue.add(TEXTS, [1], NEVER)
    assert queue.pause(TEXTS) == 0.0
    queue.finish(TEXTS, 1, clock.now, parallel=1)
    assert queue.pause(TEXTS) == 0.0
    queue.finish(TEXTS, 2, clock.now, parallel=1)
    assert queue.pause(TEXTS) == 0.5
    clock.now += 0.25
    assert queue.pause(TEXTS) == 0.25
    queue.add(TEXTS, range(7), NEVER)
    assert queue.pause(TEXTS) == 0.0  # it is full
    clock.now += 0.25
    queue.take(TEXTS, 1)
    queue.add(TEXTS, [2], NEVER)
    assert queue.pause(TEXTS) == 0.0  # the window is over
