"""Admission on one event loop, with bodies that a test sends piece by piece."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence

import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from search_api.service.admission import CostClass, Door, DoorLimits, Visit, begin_visit
from search_api.service.errors import OverloadedError
from search_api.service.middleware.admission import AdmissionMiddleware
from tests.support.clock import Clock
from tests.support.raw_connections import running, settle

pytestmark = [pytest.mark.case(29), pytest.mark.case(53)]


class Service:
    """Reads bodies, enters by the door, and stays until it may leave."""

    def __init__(self, searches: int, waiting: int = 0) -> None:
        self.clock = Clock(100.0)
        limits = DoorLimits(searches=searches, waiting=waiting, lookups=1, seconds=1000)
        self.door = Door(limits, self.clock)
        self.in_progress = 0
        self.leave = asyncio.Event()
        self.middleware = AdmissionMiddleware(self, self.door)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await request.body()
        async with self.door.enter(request):
            self.in_progress += 1
            try:
                await self.leave.wait()
            finally:
                self.in_progress -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})


class Caller:
    """One request, whose body a test sends piece by piece."""

    def __init__(
        self, service: Service, name: str = "a", cost: CostClass = CostClass.SEARCH
    ) -> None:
        self._pieces: asyncio.Queue[Message] = asyncio.Queue()
        self.answer: list[Message] = []
        self.received = 0
        scope = {"type": "http", "method": "POST", "headers": [], "state": {"request_id": "1"}}

        async def visit() -> None:
            begin_visit(Visit(name, cost))
            await service.middleware(scope, self._receive, self._send)

        self.task = asyncio.create_task(visit())

    def send(self, *more: bool) -> None:
        for each in more:
            self._pieces.put_nowait({"type": "http.request", "body": b"x", "more_body": each})

    def hang_up(self) -> None:
        self._pieces.put_nowait({"type": "http.disconnect"})

    async def _receive(self) -> Message:
        self.received += 1
        return await self._pieces.get()

    async def _send(self, message: Message) -> None:
        self.answer.append(message)

    @property
    def status(self) -> int | None:
        return self.answer[0]["status"] if self.answer else None


def callers(service: Service, names: Iterable[str]) -> Sequence[Caller]:
    """Callers that have sent their bodies."""
    made = [Caller(service, name) for name in names]
    for each in made:
        each.send(True, False)
    return made


@running
async def test_a_request_over_the_limit_is_refused_unread() -> None:
    service = Service(3)
    accepted = callers(service, "aaa")
    await settle()
    late = Caller(service)
    await settle()
    assert service.in_progress == 3
    assert (late.status, late.received) == (503, 0)
    assert (b"retry-after", b"1") in late.answer[0]["headers"]
    assert json.loads(late.answer[1]["body"])["code"] == "overloaded"
    service.leave.set()
    await asyncio.gather(*(caller.task for caller in accepted))
    (again,) = callers(service, "a")
    await again.task
    assert again.status == 200


@running
async def test_slow_clients_hold_no_places() -> None:
    service = Service(2)
    slow = [Caller(service) for _ in range(10)]
    for caller in slow:
        caller.send(True)
    await settle()
    quick = callers(service, "aa")
    await settle()
    assert service.in_progress == 2
    slow[0].send(False)
    with pytest.raises(OverloadedError):
        await slow[0].task
    service.leave.set()
    await asyncio.gather(*(caller.task for caller in quick))
    for caller in slow[1:]:
        caller.send(False)
    await asyncio.gather(*(caller.task for caller in slow[1:]))
    assert [caller.status for caller in slow[1:]] == [200] * 9


@running
async def test_a_modest_caller_is_let_in_in_place_of_a_greedy_one() -> None:
    service = Service(2, waiting=4)
    greedy = callers(service, "ggggggg")
    await settle()
    assert greedy[6].status == 503
    (modest,) = callers(service, "m")
    await settle()
    assert modest.status is None
    assert sum(caller.task.done() for caller in greedy) >= 2
    service.leave.set()
    await modest.task
    assert modest.status == 200


@running
async def test_fewer_may_wait_for_a_second_after_a_refusal() -> None:
    service = Service(4, waiting=8)
    callers(service, "a" * 12)
    await settle()
    assert not Caller(service, "b").task.done()
    assert service.door.refuses(Visit("a"))
    service.leave.set()
    await settle()
    service.leave.clear()
    callers(service, "aaaaa")  # four at work, and one that waits
    await settle()
    assert service.door.refuses(Visit("a"))
    service.clock.now += 0.9
    assert service.door.refuses(Visit("a"))
    service.clock.now += 1.1
    assert not service.door.refuses(Visit("a"))


@running
async def test_a_client_that_hangs_up_leaves_its_place_to_the_next() -> None:
    service = Service(1, waiting=1)
    gone, follows = callers(service, "ab")
    await settle()
    gone.hang_up()
    await settle()
    assert gone.task.done()
    assert service.in_progress == 1
    service.leave.set()
    await follows.task
    assert follows.status == 200


@running
async def test_lanes_do_not_hold_each_other_up() -> None:
    service = Service(1)
    first = callers(service, "a")
    await settle()
    lookup, heat_map, probe = (
        Caller(service, "a", cost)
        for cost in (CostClass.LOOKUP, CostClass.HEAT_MAP, CostClass.FACT)
    )
    for each in (lookup, heat_map):
        each.send(False)
    await settle()
    assert service.in_progress == 3
    assert probe.received == 1  # it is not refused
    probe.task.cancel()
    service.leave.set()
    await asyncio.gather(*(caller.task for caller in (*first, lookup, heat_map)))


@running
async def test_one_heat_map_at_a_time_and_only_some_wait() -> None:
    service = Service(1)
    for _ in range(9):
        Caller(service, "a", CostClass.HEAT_MAP).send(False)
    await settle()
    assert service.in_progress == 1
    assert service.door.refuses(Visit("a", CostClass.HEAT_MAP))
    assert not service.door.refuses(Visit("b", CostClass.HEAT_MAP))


@running
async def test_work_without_a_lane_can_not_enter() -> None:
    service = Service(1)
    caller = Caller(service, "a", CostClass.FACT)
    caller.send(False)
    with pytest.raises(RuntimeError, match="FACT"):
        await caller.task
