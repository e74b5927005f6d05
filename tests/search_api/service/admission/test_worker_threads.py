"""Worker threads in turns: heavy requests leave some, and who leaves keeps its thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from search_api.service.admission import Visit, WorkerThreads, begin_visit
from tests.support.processes import PATIENCE
from tests.support.raw_connections import running, settle

pytestmark = pytest.mark.case(53)


def ask(
    threads: WorkerThreads, function: Callable[[], object], work: float = 1.0
) -> asyncio.Task[object]:
    async def run() -> object:
        begin_visit(Visit("caller", work=work))
        return await threads.run(function)

    return asyncio.create_task(run())


@running
async def test_heavy_requests_leave_half_of_the_threads() -> None:
    threads, end = WorkerThreads(4, "test"), threading.Event()
    try:
        heavy = [ask(threads, lambda: end.wait(PATIENCE), work=100.0) for _ in range(8)]
        await settle()
        light = [ask(threads, lambda: "light") for _ in range(6)]
        assert await asyncio.wait_for(asyncio.gather(*light), PATIENCE) == ["light"] * 6
        assert not any(task.done() for task in heavy)
        end.set()
        assert await asyncio.wait_for(asyncio.gather(*heavy), PATIENCE) == [True] * 8
    finally:
        end.set()
        threads.close()


@running
async def test_a_thread_is_given_back_when_its_work_has_ended() -> None:
    threads, begun, end = WorkerThreads(1, "test"), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        end.wait(PATIENCE)

    try:
        gone = ask(threads, work)
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        waits = ask(threads, lambda: "never")
        follows = ask(threads, lambda: "follows")
        await settle()
        gone.cancel()
        waits.cancel()
        await settle()
        assert not follows.done()
        end.set()
        assert await asyncio.wait_for(follows, PATIENCE) == "follows"
    finally:
        end.set()
        threads.close()
