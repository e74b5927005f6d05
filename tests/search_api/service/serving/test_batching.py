"""The batcher with work that a test holds back: every item gets its own answer, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_api.service.errors import OverloadedError
from search_api.service.serving.batch_queue import BatchKind, BatchOptions
from search_api.service.serving.batch_runner import Work
from search_api.service.serving.batching import Batcher
from tests.support.clock import Clock

PATIENCE = 60.0


class Held:
    """Doubles numbers, once it is let; keeps the batches it was given."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.started = threading.Semaphore(0)
        self.let = threading.Semaphore(0)

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        self.batches.append(list(values))
        self.started.release()
        assert self.let.acquire(timeout=PATIENCE)
        return [2 * value for value in values]

    def wait_started(self) -> None:
        assert self.started.acquire(timeout=PATIENCE)


def options(**more: Any) -> BatchOptions:
    sizes = {BatchKind.IMAGES: 8, BatchKind.TEXTS: 8}
    return BatchOptions(**{"max_batch": sizes, "max_wait": 0.0, **more})


def batcher_of(work: Work, **more: Any) -> Batcher:
    clock = {"clock": more.pop("clock")} if "clock" in more else {}
    return Batcher({BatchKind.IMAGES: work, BatchKind.TEXTS: work}, options(**more), **clock)


@pytest.fixture
def held() -> Iterator[Held]:
    work = Held()
    yield work
    work.let.release(1000)


def result(future: Future[Any]) -> Any:
    return future.result(timeout=PATIENCE)


def test_a_lone_item_goes_at_once_and_the_next_ones_together(held: Held) -> None:
    batcher = batcher_of(held)
    (first,) = batcher.submit(BatchKind.TEXTS, [1])
    held.wait_started()
    later = [batcher.submit(BatchKind.TEXTS, [number])[0] for number in (2, 3, 4)]
    held.let.release(10)
    assert [result(future) for future in (first, *later)] == [2, 4, 6, 8]
    assert held.batches == [[1], [2, 3, 4]]
    batcher.close()


@pytest.mark.case(33)
def test_a_lone_item_never_waits_for_the_window() -> None:
    """The window is an hour: with it, this would not end."""
    batcher = batcher_of(lambda values: values, max_wait=3600.0)
    for number in range(5):
        assert result(batcher.submit(BatchKind.TEXTS, [number])[0]) == number
    batcher.close()


def test_after_a_batch_of_several_a_batch_waits_until_it_is_full(held: Held) -> None:
    batcher = batcher_of(held, max_wait=3600.0)
    held.let.release(10)
    wait(batcher.submit(BatchKind.TEXTS, [1, 2]), PATIENCE)
    held.wait_started()
    early = batcher.submit(BatchKind.TEXTS, [3])
    rest = batcher.submit(BatchKind.TEXTS, [4, 5, 6, 7, 8, 9, 10])
    assert [result(future) for future in early + rest] == list(range(6, 21, 2))
    assert held.batches == [[1, 2], [3, 4, 5, 6, 7, 8, 9, 10]]
    batcher.close()


def parallel(*works: Work) -> list[dict[BatchKind, Work]]:
    return [dict.fromkeys(BatchKind, work) for work in works]


def test_a_lone_batch_has_all_processors_and_several_run_side_by_side(held: Held) -> None:
    """While the first runs alone, a second thread takes what comes, batch after batch."""
    first, second = Held(), Held()
    second.started = first.started
    batcher = Batcher(
        dict.fromkeys(BatchKind, held), options(), parallel_work=parallel(first, second)
    )
    (alone,) = batcher.submit(BatchKind.TEXTS, [1])
    held.wait_started()
    (beside,) = batcher.submit(BatchKind.TEXTS, [2])
    first.wait_started()
    busy, idle = (first, second) if first.batches else (second, first)
    waiting = batcher.submit(BatchKind.TEXTS, [3, 4, 5, 6])
    busy.let.release()
    assert result(beside) == 4
    busy.wait_started()
    assert busy.batches == [[2], [3, 4, 5, 6]]
    held.let.release()
    assert result(alone) == 2
    busy.let.release()
    assert [result(future) for future in waiting] == [6, 8, 10, 12]
    assert idle.batches == []
    batcher.close(PATIENCE)


def test_idle_threads_share_what_waits(held: Held) -> None:
    """Two idle threads take half each of what came at once."""
    met = threading.Barrier(2)

    def work(values: Sequence[int]) -> Sequence[int]:
        met.wait(PATIENCE)
        return [2 * value for value in values]

    batcher = Batcher(dict.fromkeys(BatchKind, held), options(), parallel_work=parallel(work, work))
    futures = batcher.submit(BatchKind.TEXTS, [1, 2, 3, 4])
    assert [result(future) for future in futures] == [2, 4, 6, 8]
    assert held.batches == []
    batcher.close(PATIENCE)


def test_a_batch_is_reported_with_its_time(held: Held) -> None:
    clock, reported = Clock(), list[tuple[str, int, float]]()

    def report(kind: BatchKind, size: int, seconds: float) -> None:
        reported.append((kind, size, seconds))
        raise RuntimeError("must not end the thread")

    batcher = Batcher({BatchKind.TEXTS: held}, options(), clock=clock, on_batch=report)
    batcher.submit(BatchKind.TEXTS, [1, 2])
    held.wait_started()
    clock.now += 0.25
    batcher.submit(BatchKind.TEXTS, [3])
    held.let.release(10)
    batcher.close(PATIENCE)
    assert reported == [("texts", 2, 0.25), ("texts", 1, 0.0)]


def test_how_long_the_present_batch_has_been_running(held: Held) -> None:
    clock = Clock()
    batcher = batcher_of(held, clock=clock)
    assert batcher.busy_for() == 0
    (future,) = batcher.submit(BatchKind.TEXTS, [1])
    held.wait_started()
    clock.now += 7
    assert batcher.busy_for() == 7
    held.let.release()
    result(future)
    batcher.close(PATIENCE)
    assert batcher.busy_for() == 0


def test_closing_finishes_what_is_queued_and_takes_no_more(held: Held) -> None:
    batcher = batcher_of(held)
    batcher.submit(BatchKind.TEXTS, [1])
    held.wait_started()
    (queued,) = batcher.submit(BatchKind.TEXTS, [2])
    held.let.release(10)
    batcher.close(PATIENCE)
    assert queued.result(timeout=0) == 4
    with pytest.raises(OverloadedError):
        batcher.submit(BatchKind.TEXTS, [3])


@settings(max_examples=60)
@given(
    requests=st.lists(
        st.tuples(st.sampled_from(BatchKind), st.lists(st.integers(0, 99), min_size=1, max_size=4)),
        max_size=20,
    ),
    poisoned=st.sets(st.integers(0, 99), max_size=40),
    largest=st.integers(1, 9),
    threads=st.integers(1, 4),
    side_by_side=st.integers(0, 3),
)
def test_every_item_gets_its_own_answer_once(
    requests: list[tuple[BatchKind, list[int]]],
    poisoned: set[int],
    largest: int,
    threads: int,
    side_by_side: int,
) -> None:
    """Whatever comes together: a poisoned item fails, and it alone; none is done twice with
    success; no batch is too large or mixed."""
    done: list[tuple[BatchKind, tuple[int, int]]] = []

    def work(kind: BatchKind) -> Work:
        return lambda values: careful(kind, values, poisoned, largest, done)

    batcher = Batcher(
        {kind: work(kind) for kind in BatchKind},
        BatchOptions(dict.fromkeys(BatchKind, largest), max_wait=0.0, max_waiting=1000),
        parallel_work=[{kind: work(kind) for kind in BatchKind} for _ in range(side_by_side)],
    )
    futures: list[list[Future[Any]]] = [[] for _ in requests]

    def ask(first: int) -> None:
        for serial in range(first, len(requests), threads):
            kind, numbers = requests[serial]
            futures[serial] = batcher.submit(kind, [(serial, number) for number in numbers])

    askers = [threading.Thread(target=ask, args=[first]) for first in range(threads)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    batcher.close(PATIENCE)
    expected = []
    for serial, (kind, numbers) in enumerate(requests):
        for number, future in zip(numbers, futures[serial], strict=True):
            assert future.done()
            if number not in poisoned:
                expected.append((kind, (serial, number)))
            assert answer_of(future) == (None if number in poisoned else (kind, serial, number))
    assert sorted(done) == sorted(expected)


def answer_of(future: Future[Any]) -> Any:
    """What a future holds; None for the error of a poisoned item."""
    if future.exception() is None:
        return future.result()
    assert isinstance(future.exception(), ValueError)
    return None


def careful(
    kind: BatchKind,
    values: Sequence[tuple[int, int]],
    poisoned: set[int],
    largest: int,
    done: list[tuple[BatchKind, tuple[int, int]]],
) -> Sequence[tuple[BatchKind, int, int]]:
    """Says what it was given, unless a poisoned number is among it; keeps a list of what it did."""
    assert 0 < len(values) <= largest
    if any(number in poisoned for _, number in values):
        raise ValueError("poisoned")
    done.extend((kind, value) for value in values)
    return [(kind, *value) for value in values]
