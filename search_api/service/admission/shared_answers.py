"""Answers that callers share, so that a flood of questions costs no more than a few."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

__all__ = ["SharedAnswer"]

T = TypeVar("T")


class SharedAnswer(Generic[T]):
    """The answer to one question, found by one task at a time; for one event loop.

    Args:
        find: Finds the answer, or raises an error, which callers share too.
        seconds: How old an answer may be, counted from when its search began.
        anew: How many answers may be found within that time before they are shared.
        clock: Seconds, as `time.monotonic`.
    """

    def __init__(
        self,
        find: Callable[[], Awaitable[T]],
        seconds: float = 1.0,
        anew: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._seconds = seconds
        self._anew = anew
        self._clock = clock
        self._task: asyncio.Task[T] | None = None
        self._found = 0
        self._since = -seconds

    async def get(self) -> T:
        """Return the answer; a caller that leaves does not disturb the others."""
        task = self._task
        if task is None or (task.done() and self._may_find()):
            task = self._task = asyncio.create_task(self._answer())
            # Retrieved here, or asyncio logs an error that no caller waits for any more.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    def _may_find(self) -> bool:
        if self._clock() >= self._since + self._seconds:
            self._found = 0
        return self._found < self._anew

    async def _answer(self) -> T:
        if not self._found:
            self._since = self._clock()
        self._found += 1
        return await self._find()
