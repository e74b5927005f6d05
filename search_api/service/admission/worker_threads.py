"""Worker threads that the callers of coroutines use in turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from search_api.service.admission.fair_queue import FairQueue
from search_api.service.admission.visits import current_visit

__all__ = ["WorkerThreads"]

T = TypeVar("T")


class WorkerThreads:
    """A pool of threads; requests of much work leave half of them to others.

    Args:
        number: How many threads.
        name: Prefix of their names.
    """

    def __init__(self, number: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(number, name)
        self._turns = FairQueue(number)
        self._heavy_turns = FairQueue(max(1, number // 2))

    async def run(self, function: Callable[[], T]) -> T:
        """Call a function on a thread, when it is the turn of the present caller."""
        visit, loop = current_visit(), asyncio.get_running_loop()
        held: list[FairQueue] = []
        try:
            if visit.is_heavy:
                await self._heavy_turns.take(visit.caller)
                held.append(self._heavy_turns)
            await self._turns.take(visit.caller)
            held.append(self._turns)
        except BaseException:
            for queue in held:
                queue.give_back()
            raise

        def give_back(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended
                for queue in held:
                    loop.call_soon_threadsafe(queue.give_back)

        future = self._pool.submit(function)
        # A thread is free when its work has ended, which may be after its caller has left.
        future.add_done_callback(give_back)
        return await asyncio.wrap_future(future)

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """Call a function on a thread out of turn, before requests come."""
        return self._pool.submit(function, *arguments)

    def close(self) -> None:
        """End the threads after their present work."""
        self._pool.shutdown(wait=False, cancel_futures=True)
