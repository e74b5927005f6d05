"""`WorkerPool`: idle processes that are killed do not end it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator

import pytest
from pebble import ProcessPool

from indexer.image_loading import WorkerPool
from tests.support.waiting import until

SECONDS = 60.0


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    context = multiprocessing.get_context("spawn")
    made = WorkerPool(lambda: ProcessPool(max_workers=2, context=context))
    yield made
    made.close()


def test_an_idle_process_that_is_killed_is_replaced(pool: WorkerPool) -> None:
    for _ in range(2):
        worker = pool.schedule(os.getpid, (), SECONDS).result()
        processes = pool._pool
        os.kill(worker, signal.SIGKILL)
        until(lambda broken=processes: not broken.active)
        assert pool.schedule(os.getpid, (), SECONDS).result() != worker


def test_processes_do_not_take_interrupts(pool: WorkerPool) -> None:
    blocked = pool.schedule(signal.pthread_sigmask, (signal.SIG_BLOCK, ()), SECONDS).result()
    assert signal.SIGINT in blocked
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_pool_that_never_worked_is_not_made_again() -> None:
    made = []

    class Broken:
        active = False

        def schedule(self, *_: object, **__: object) -> object:
            raise RuntimeError("Unexpected error within the Pool")

    pool = WorkerPool(lambda: made.append(Broken()) or made[-1])
    for _ in range(2):
        with pytest.raises(RuntimeError, match="within the Pool"):
            pool.schedule(os.getpid, (), SECONDS)
    assert len(made) == 1
