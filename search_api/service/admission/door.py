"""Admission of requests: a place in the lane of the route, the deadline, and the client's presence.

All work of a request is done inside `Door.enter`. A request enters once everything that it needs
from elsewhere has arrived (its body, and the images at its URLs), so slow clients and slow sources
hold no places.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from search_api.service.admission.costs import Lane
from search_api.service.admission.disconnects import cancel_on_disconnect
from search_api.service.admission.fair_queue import FairQueue
from search_api.service.admission.visits import Visit, current_visit
from search_api.service.errors import DeadlineError

__all__ = ["Door", "DoorLimits"]

# Seconds after a refusal for which fewer requests may wait.
_CROWDED_SECONDS = 1.0
# The share of the places that may wait then.
_WAIT_SHARE = 4

# Lookups that wait for the threads, each of which takes milliseconds.
_LOOKUPS_WAITING = 256
_HEAT_MAPS, _HEAT_MAPS_WAITING = 1, 8

# A request of so much work takes a further place, up to a third of them.
_WORK_OF_A_PLACE = 16
_WIDEST_SHARE = 3


@dataclass(frozen=True)
class DoorLimits:
    """How much is let in.

    Attributes:
        searches: Searches that are worked on at the same time.
        waiting: Searches that wait beyond that.
        lookups: Lookups that are worked on at the same time.
        seconds: Maximum time to wait and be answered.
    """

    searches: int
    waiting: int
    lookups: int
    seconds: float


class _Room:
    """One lane: requests in it, and fewer that wait while requests are refused.

    Without refusals many may wait, since a waiting request is better than a refused one. Once
    requests must be refused, a long wait gains nothing. So under overload the time of an answer
    is bounded (Little's law: requests let in divided by answers a second), at the same throughput.
    """

    def __init__(self, places: int, waiting: int, clock: Callable[[], float]) -> None:
        self._waiting = waiting
        self._crowded = min(waiting, max(1, places // _WAIT_SHARE))
        self._clock = clock
        self._last_refusal = -math.inf
        self.widest = max(1, places // _WIDEST_SHARE)
        self.queue = FairQueue(places, self._most_waiting, self.note_refusal)
        # Requests of much work leave half of the places to others.
        self.heavy = FairQueue(max(1, places // 2), self._most_waiting, self.note_refusal)

    def note_refusal(self) -> None:
        self._last_refusal = self._clock()

    def _most_waiting(self) -> float:
        crowded = self._clock() < self._last_refusal + _CROWDED_SECONDS
        return self._crowded if crowded else self._waiting


class Door:
    """Lets requests in, for one event loop.

    Args:
        limits: How many.
        clock: Seconds, as `time.monotonic`.
    """

    def __init__(self, limits: DoorLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = limits.seconds
        self._rooms = {
            Lane.SEARCHES: _Room(limits.searches, limits.waiting, clock),
            Lane.LOOKUPS: _Room(limits.lookups, _LOOKUPS_WAITING, clock),
            Lane.HEAT_MAPS: _Room(_HEAT_MAPS, _HEAT_MAPS_WAITING, clock),
        }

    def refuses(self, visit: Visit) -> bool:
        """Return whether a request would be refused now; this counts as a refusal."""
        if visit.cost.lane is None:
            return False
        room = self._rooms[visit.cost.lane]
        refused = room.queue.would_refuse(visit.caller)
        if refused:
            room.note_refusal()
        return refused

    @asynccontextmanager
    async def enter(self, request: Request, work: float = 1.0) -> AsyncIterator[None]:
        """Hold a place for the work inside, which ends at the deadline or with the connection.

        Args:
            request: The request; its body must be read already.
            work: Its estimated work, in searches; charged to the caller's rate limit.

        Raises:
            OverloadedError: There is no place.
            DeadlineError: It took longer than the deadline.
            ClientGoneError: The client disconnected.
        """
        visit = current_visit()
        if visit.cost.lane is None:
            raise RuntimeError(f"the cost class {visit.cost.name} has no lane to enter")
        visit.work = work
        visit.charge(work - visit.cost.charge)
        room = self._rooms[visit.cost.lane]
        width = min(room.widest, 1 + int(work // _WORK_OF_A_PLACE))
        async with AsyncExitStack() as inside:
            await inside.enter_async_context(cancel_on_disconnect(request))
            await inside.enter_async_context(self.deadline())
            for queue in (room.heavy, room.queue) if visit.is_heavy else (room.queue,):
                await inside.enter_async_context(queue.place(visit.caller, work, width))
            yield

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """Cancel the work inside at the deadline.

        Raises:
            DeadlineError: The work took longer.
        """
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except TimeoutError as error:
            raise DeadlineError(
                "The request was not answered in time; try again, or ask for less at once."
            ) from error
