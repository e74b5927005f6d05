"""The batcher with work that a test holds in its hands: every item gets its own answer, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_api.service.errors import DeadlineError, ModelMemoryError, OverloadedError
from search_api.service.serving.batching import Batcher, BatchOptions, Lane, Work

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


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def options(**more: Any) -> BatchOptions:
    sizes = {Lane.PICTURES: 8, Lane.TEXTS: 8}
    return BatchOptions(**{"max_batch": sizes, "max_wait": 0.0, **more})


def batcher_of(work: Work, **more: Any) -> Batcher:
    clock = {"clock": more.pop("clock")} if "clock" in more else {}
    return Batcher({Lane.PICTURES: work, Lane.TEXTS: work}, options(**more), **clock)


@pytest.fixture
def held() -> Iterator[Held]:
    work = Held()
    yield work
    work.let.release(1000)


def result(future: Future[Any]) -> Any:
    return future.result(timeout=PATIENCE)


def test_a_lone_item_goes_at_once_and_the_next_ones_together(held: Held) -> None:
    batcher = batcher_of(held)
    (first,) = batcher.submit(Lane.TEXTS, [1])
    held.wait_started()
    later = [batcher.submit(Lane.TEXTS, [number])[0] for number in (2, 3, 4)]
    held.let.release(10)
    assert [result(future) for future in (first, *later)] == [2, 4, 6, 8]
    assert held.batches == [[1], [2, 3, 4]]
    batcher.close()


def test_a_lone_item_never_waits_for_the_window() -> None:
    """The window is an hour: with it, this would not end."""
    batcher = batcher_of(lambda values: values, max_wait=3600.0)
    for number in range(5):
        assert result(batcher.submit(Lane.TEXTS, [number])[0]) == number
    batcher.close()


def test_after_a_crowd_a_batch_waits_for_more_until_it_is_full(held: Held) -> None:
    batcher = batcher_of(held, max_wait=3600.0)
    held.let.release(10)
    wait(batcher.submit(Lane.TEXTS, [1, 2]), PATIENCE)
    held.wait_started()
    early = batcher.submit(Lane.TEXTS, [3])
    assert not held.started.acquire(timeout=0.1)
    rest = batcher.submit(Lane.TEXTS, [4, 5, 6, 7, 8, 9, 10])
    assert [result(future) for future in early + rest] == list(range(6, 21, 2))
    assert held.batches == [[1, 2], [3, 4, 5, 6, 7, 8, 9, 10]]
    batcher.close()


def crew_of(*works: Work) -> list[dict[Lane, Work]]:
    return [dict.fromkeys(Lane, work) for work in works]


def test_a_lone_batch_has_all_and_several_go_side_by_side(held: Held) -> None:
    """While the first is at work alone, a second comes and goes; then two share what waits."""
    first, second = Held(), Held()
    crew = crew_of(first, second)
    batcher = Batcher(dict.fromkeys(Lane, held), options(), crew=crew)
    (alone,) = batcher.submit(Lane.TEXTS, [1])
    held.wait_started()
    (beside,) = batcher.submit(Lane.TEXTS, [2])
    one = first if first.started.acquire(timeout=PATIENCE / 60) else second
    other = second if one is first else first
    if one is second:
        one.wait_started()
    waiting = batcher.submit(Lane.TEXTS, [3, 4, 5, 6])
    one.let.release()
    assert result(beside) == 4
    one.wait_started()
    assert one.batches == [[2], [3, 4, 5, 6]]
    held.let.release()
    assert result(alone) == 2
    one.let.release()
    assert [result(future) for future in waiting] == [6, 8, 10, 12]
    assert other.batches == []
    batcher.close(PATIENCE)


def test_those_who_are_free_share_what_waits(held: Held) -> None:
    """Two free threads take half each of what came at once, and no time of one is the other's."""
    met = threading.Barrier(2)

    def work(values: Sequence[int]) -> Sequence[int]:
        met.wait(PATIENCE)
        return [2 * value for value in values]

    batcher = Batcher(dict.fromkeys(Lane, held), options(), crew=crew_of(work, work))
    futures = batcher.submit(Lane.TEXTS, [1, 2, 3, 4])
    assert [result(future) for future in futures] == [2, 4, 6, 8]
    assert held.batches == []
    batcher.close(PATIENCE)


def test_pictures_and_texts_go_apart_the_oldest_first(held: Held) -> None:
    clock = Clock()
    batcher = batcher_of(held, clock=clock)
    batcher.submit(Lane.TEXTS, [0])
    held.wait_started()
    for now, lane, number in (
        (1001, Lane.PICTURES, 1),
        (1002, Lane.TEXTS, 2),
        (1003, Lane.PICTURES, 3),
    ):
        clock.now = now
        batcher.submit(lane, [number])
    held.let.release(10)
    batcher.close(PATIENCE)
    assert held.batches == [[0], [1, 3], [2]]


def test_cancelled_and_expired_items_never_reach_the_model(held: Held) -> None:
    clock = Clock()
    batcher = batcher_of(held, clock=clock)
    batcher.submit(Lane.TEXTS, [0])
    held.wait_started()
    (gone,) = batcher.submit(Lane.TEXTS, [1])
    (late,) = batcher.submit(Lane.TEXTS, [2], deadline=1005.0)
    (kept,) = batcher.submit(Lane.TEXTS, [3], deadline=1006.0)
    assert gone.cancel()
    clock.now = 1005.0
    held.let.release(10)
    assert result(kept) == 6
    with pytest.raises(DeadlineError):
        result(late)
    assert held.batches == [[0], [3]]
    batcher.close()


def test_a_full_lane_refuses_and_takes_again_what_others_gave_up(held: Held) -> None:
    batcher = batcher_of(held, max_waiting=3)
    batcher.submit(Lane.TEXTS, [0])
    held.wait_started()
    waiting = batcher.submit(Lane.TEXTS, [1, 2, 3])
    with pytest.raises(OverloadedError) as refused:
        batcher.submit(Lane.TEXTS, [4])
    assert refused.value.retry_after == 1
    batcher.submit(Lane.PICTURES, [5])
    waiting[1].cancel()
    (late,) = batcher.submit(Lane.TEXTS, [6])
    held.let.release(10)
    assert result(late) == 12
    batcher.close(PATIENCE)
    assert sorted(held.batches[1:]) == [[1, 3, 6], [5]]


def test_what_could_not_be_done_by_its_deadline_is_refused(held: Held) -> None:
    """Ten seconds an item were measured; so two that wait need twenty."""
    clock = Clock()
    batcher = batcher_of(held, clock=clock)
    for _ in range(60):
        (future,) = batcher.submit(Lane.TEXTS, [0])
        held.wait_started()
        clock.now += 10.0
        held.let.release()
        result(future)
    batcher.submit(Lane.TEXTS, [0])
    held.wait_started()
    batcher.submit(Lane.TEXTS, [1, 2])
    with pytest.raises(OverloadedError) as refused:
        batcher.submit(Lane.TEXTS, [3], deadline=clock.now + 15.0)
    assert refused.value.retry_after == 20
    batcher.submit(Lane.TEXTS, [4], deadline=clock.now + 25.0)
    held.let.release(10)
    batcher.close(PATIENCE)


def test_out_of_memory_halves_once_and_then_refuses() -> None:
    sizes = []

    def work(values: Sequence[int]) -> Sequence[int]:
        sizes.append(len(values))
        if len(values) > 2:
            raise MemoryError
        return values

    batcher = batcher_of(work, max_waiting=100)
    assert [result(f) for f in batcher.submit(Lane.TEXTS, [1, 2, 3, 4])] == [1, 2, 3, 4]
    assert sizes == [4, 2, 2]
    for future in batcher.submit(Lane.TEXTS, list(range(8))):
        with pytest.raises(ModelMemoryError):
            result(future)
    assert sizes[3:] == [8, 4, 4]
    assert result(batcher.submit(Lane.TEXTS, [5])[0]) == 5
    batcher.close()


def test_how_long_the_present_batch_has_been_running(held: Held) -> None:
    clock = Clock()
    batcher = batcher_of(held, clock=clock)
    assert batcher.busy_for() == 0
    (future,) = batcher.submit(Lane.TEXTS, [1])
    held.wait_started()
    clock.now += 7
    assert batcher.busy_for() == 7
    held.let.release()
    result(future)
    batcher.close(PATIENCE)
    assert batcher.busy_for() == 0


def test_closing_finishes_what_is_queued_and_takes_no_more(held: Held) -> None:
    batcher = batcher_of(held)
    batcher.submit(Lane.TEXTS, [1])
    held.wait_started()
    (queued,) = batcher.submit(Lane.TEXTS, [2])
    held.let.release(10)
    batcher.close(PATIENCE)
    assert queued.result(timeout=0) == 4
    with pytest.raises(OverloadedError):
        batcher.submit(Lane.TEXTS, [3])


@settings(max_examples=60, deadline=None)
@given(
    requests=st.lists(
        st.tuples(st.sampled_from(Lane), st.lists(st.integers(0, 99), min_size=1, max_size=4)),
        max_size=20,
    ),
    poisoned=st.sets(st.integers(0, 99), max_size=40),
    largest=st.integers(1, 9),
    threads=st.integers(1, 4),
    side_by_side=st.integers(0, 3),
)
def test_every_item_gets_its_own_answer_once(
    requests: list[tuple[Lane, list[int]]],
    poisoned: set[int],
    largest: int,
    threads: int,
    side_by_side: int,
) -> None:
    """Whatever comes together: a poisoned item fails, and it alone; none is done twice with
    success; no batch is too large or mixed."""
    done: list[tuple[Lane, tuple[int, int]]] = []

    def work(lane: Lane) -> Work:
        return lambda values: careful(lane, values, poisoned, largest, done)

    batcher = Batcher(
        {lane: work(lane) for lane in Lane},
        BatchOptions(dict.fromkeys(Lane, largest), max_wait=0.0, max_waiting=1000),
        crew=[{lane: work(lane) for lane in Lane} for _ in range(side_by_side)],
    )
    futures: list[list[Future[Any]]] = [[] for _ in requests]

    def ask(first: int) -> None:
        for serial in range(first, len(requests), threads):
            lane, numbers = requests[serial]
            futures[serial] = batcher.submit(lane, [(serial, number) for number in numbers])

    askers = [threading.Thread(target=ask, args=[first]) for first in range(threads)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    batcher.close(PATIENCE)
    expected = []
    for serial, (lane, numbers) in enumerate(requests):
        for number, future in zip(numbers, futures[serial], strict=True):
            assert future.done()
            if number not in poisoned:
                expected.append((lane, (serial, number)))
            assert answer_of(future) == (None if number in poisoned else (lane, serial, number))
    assert sorted(done) == sorted(expected)


def answer_of(future: Future[Any]) -> Any:
    """What a future holds; None for the error of a poisoned item."""
    if future.exception() is None:
        return future.result()
    assert isinstance(future.exception(), ValueError)
    return None


def careful(
    lane: Lane,
    values: Sequence[tuple[int, int]],
    poisoned: set[int],
    largest: int,
    done: list[tuple[Lane, tuple[int, int]]],
) -> Sequence[tuple[Lane, int, int]]:
    """Says what it was given, unless a poisoned number is among it; keeps a list of what it did."""
    assert 0 < len(values) <= largest
    if any(number in poisoned for _, number in values):
        raise ValueError("poisoned")
    done.extend((lane, value) for value in values)
    return [(lane, *value) for value in values]
