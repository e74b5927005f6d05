"""Fair queue: places that callers take in turns, however much one of them asks for."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from search_api.service.errors import OverloadedError

__all__ = ["FairQueue"]

_MESSAGE = "The service has more requests than it can answer; try again shortly."

# Callers whose virtual times are remembered; they only matter while others wait.
_MAX_REMEMBERED = 1000


@dataclass(eq=False)
class _Waiter:
    caller: str
    cost: float
    width: int
    start: float
    granted: asyncio.Future[None]


class FairQueue:
    """Places that are handed out by start-time fair queueing; for one event loop.

    Each request gets a virtual start time: the end of its caller's one before it, or the present
    virtual time if that is later. The lowest one is next. So callers that wait get equal shares of
    the work, each of whose requests counts by its cost (Goyal, Vin and Cheng, 1996). If too many
    wait, the caller whose requests cost most loses its last one.

    Args:
        places: How many places there are; an attribute too.
        most_waiting: Returns how many requests may wait.
        most_work: How much the requests that wait may cost together.
        on_refusal: Called for every request that is refused.
    """

    def __init__(
        self,
        places: int,
        most_waiting: Callable[[], float] = lambda: math.inf,
        on_refusal: Callable[[], None] = lambda: None,
        most_work: float = math.inf,
    ) -> None:
        self.places = places
        self._most_waiting = most_waiting
        self._on_refusal = on_refusal
        self._most_work = most_work
        self._free = places
        self._now = 0.0  # virtual time: the start of the latest request that got a place
        self._ends: dict[str, float] = {}
        self._waiting: dict[str, deque[_Waiter]] = {}

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return sum(map(len, self._waiting.values()))

    def would_refuse(self, caller: str, cost: float = 1.0) -> bool:
        """Return whether a request of a caller would be refused now."""
        full = self._is_taken() and self._is_full(cost)
        return full and self._greediest(caller, cost) is None

    @asynccontextmanager
    async def place(self, caller: str, cost: float = 1.0, width: int = 1) -> AsyncIterator[None]:
        """Hold a place for the work inside, after waiting for it.

        Args:
            caller: Whose request it is.
            cost: Its work, in any unit.
            width: Number of places that it takes.

        Raises:
            OverloadedError: Too many wait, and none of them is of a caller that asks for more.
        """
        width = min(width, self.places)
        await self.take(caller, cost, width)
        try:
            yield
        finally:
            self.give_back(width)

    async def take(self, caller: str, cost: float = 1.0, width: int = 1) -> None:
        """Wait for a place and take it; arguments and errors as for `place`."""
        if self._free >= width and not self._waiting:
            self._free -= width
            self._now = self._stamp(caller, cost)
            return
        # One leaves for one that comes; more only if they cost too much together.
        if self._is_full(cost):
            self._make_room(caller, cost)
        while self._is_too_much(cost):
            self._make_room(caller, cost)
        future = asyncio.get_running_loop().create_future()
        waiter = _Waiter(caller, cost, width, self._stamp(caller, cost), future)
        self._waiting.setdefault(caller, deque()).append(waiter)
        # Those that are refused may have held up narrower ones.
        self._grant()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.give_back(width)
            else:
                self._forget(waiter)
                self._grant()
            raise

    def give_back(self, width: int = 1) -> None:
        """Give a place back that `take` took."""
        self._free += width
        self._grant()

    def _is_full(self, cost: float) -> bool:
        return self.waiting >= self._most_waiting() or self._is_too_much(cost)

    def _is_too_much(self, cost: float) -> bool:
        work = sum(each.cost for line in self._waiting.values() for each in line)
        return bool(work) and work + cost > self._most_work

    def _is_taken(self) -> bool:
        return self._free <= 0 or bool(self._waiting)

    def _stamp(self, caller: str, cost: float) -> float:
        """Return the virtual start time of a new request."""
        if self._free == self.places and not self._waiting:
            self._now = 0.0
            self._ends.clear()
        elif len(self._ends) >= _MAX_REMEMBERED:
            self._ends = {name: self._ends[name] for name in self._waiting}
        start = max(self._now, self._ends.get(caller, 0.0))
        self._ends[caller] = start + cost
        return start

    def _grant(self) -> None:
        while self._waiting:
            line = min(self._waiting.values(), key=lambda line: line[0].start)
            waiter = line[0]
            if waiter.width > self._free:
                return
            self._forget(waiter)
            if not waiter.granted.done():
                self._free -= waiter.width
                self._now = max(self._now, waiter.start)
                waiter.granted.set_result(None)

    def _greediest(self, caller: str, cost: float) -> str | None:
        """Return the caller that waits with most work, if that is more than a new request makes."""
        work = {name: sum(each.cost for each in line) for name, line in self._waiting.items()}
        own = work.get(caller, 0.0) + cost
        most = max(work, key=work.__getitem__, default=None)
        return most if most is not None and most != caller and work[most] > own else None

    def _make_room(self, caller: str, cost: float) -> None:
        self._on_refusal()
        victim = self._greediest(caller, cost)
        if victim is None:
            raise OverloadedError(_MESSAGE)
        self._refuse_last(victim)

    def _refuse_last(self, caller: str) -> None:
        waiter = self._waiting[caller][-1]
        self._forget(waiter)
        self._ends[caller] = max(0.0, self._ends.get(caller, 0.0) - waiter.cost)
        if not waiter.granted.done():
            waiter.granted.set_exception(OverloadedError(_MESSAGE))

    def _forget(self, waiter: _Waiter) -> None:
        line = self._waiting.get(waiter.caller)
        if line is not None:
            with suppress(ValueError):
                line.remove(waiter)
            if not line:
                del self._waiting[waiter.caller]
