from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from contextlib import ExitStack, nullcontext
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from search_api.service.errors import OverloadedError
from search_api.service.middleware import ConcurrencyLimit
from search_api.service.middleware.admission import AdmissionMiddleware

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class House:
    """An application that reads the body, takes a place, and stays until it is let go."""

    def __init__(self, room: ConcurrencyLimit) -> None:
        self._room = room
        self.entered = 0
        self.leave = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            while (await receive())["more_body"]:
                pass
        takes = scope["path"] in ("/v1/search", "/v1/search/batch", "/v1/tags")
        with self._room.slot() if takes else nullcontext():
            self.entered += 1
            await self.leave.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})


class Visit:
    """One request at the door, whose body a test sends piece by piece."""

    def __init__(
        self, door: AdmissionMiddleware, path: str = "/v1/search", method: str = "POST"
    ) -> None:
        self._pieces: asyncio.Queue[Message] = asyncio.Queue()
        self.answer: list[Message] = []
        self.received = 0
        headers = [(b"content-length", b"2")] if method == "POST" else []
        scope = {"type": "http", "method": method, "path": path, "headers": headers,
                 "state": {"request_id": "1"}}  # fmt: skip
        self.task = asyncio.create_task(door(scope, self._receive, self._send))

    def send(self, *more: bool) -> None:
        for each in more:
            self._pieces.put_nowait({"type": "http.request", "body": b"x", "more_body": each})

    async def _receive(self) -> Message:
        self.received += 1
        return await self._pieces.get()

    async def _send(self, message: Message) -> None:
        self.answer.append(message)

    @property
    def status(self) -> int | None:
        return self.answer[0]["status"] if self.answer else None


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def visits(door: AdmissionMiddleware, count: int) -> list[Visit]:
    return [Visit(door) for _ in range(count)]


def whole(guests: Iterable[Visit]) -> None:
    for guest in guests:
        guest.send(True, False)


async def test_so_many_are_let_in_and_the_next_is_refused_unread() -> None:
    room = ConcurrencyLimit(3)
    house = House(room)
    door = AdmissionMiddleware(house, room)
    guests = visits(door, 3)
    whole(guests)
    await settle()
    late = Visit(door)
    await settle()
    assert house.entered == 3
    assert (late.status, late.received) == (503, 0)
    assert (b"retry-after", b"1") in late.answer[0]["headers"]
    assert json.loads(late.answer[1]["body"])["code"] == "overloaded"
    house.leave.set()
    await asyncio.gather(*(guest.task for guest in guests))
    again = Visit(door)
    again.send(False)
    await again.task
    assert again.status == 200


async def test_slow_senders_keep_nobody_out() -> None:
    room = ConcurrencyLimit(2)
    house = House(room)
    door = AdmissionMiddleware(house, room)
    slow = visits(door, 10)
    for guest in slow:
        guest.send(True)
    await settle()
    quick = visits(door, 2)
    whole(quick)
    await settle()
    assert house.entered == 2
    slow[0].send(False)
    with pytest.raises(OverloadedError):
        await slow[0].task
    house.leave.set()
    await asyncio.gather(*(guest.task for guest in quick))
    for guest in slow[1:]:
        guest.send(False)
    await asyncio.gather(*(guest.task for guest in slow[1:]))
    assert [guest.status for guest in slow[1:]] == [200] * 9


def test_once_some_are_turned_away_there_are_fewer_places_for_a_second() -> None:
    now = [100.0]
    room = ConcurrencyLimit(4, crowded=2, clock=lambda: now[0])
    with ExitStack() as inside:
        for _ in range(4):
            inside.enter_context(room.slot())
        with pytest.raises(OverloadedError), room.slot():
            pass
    with room.slot(), room.slot():
        assert room.full
        now[0] += 0.9
        assert room.full
        now[0] += 0.2
        assert not room.full
        with room.slot(), room.slot():
            assert room.full
            now[0] += 5
            assert room.full


async def test_who_is_turned_away_at_the_door_makes_the_room_a_crowded_one() -> None:
    room = ConcurrencyLimit(3, crowded=1)
    house = House(room)
    door = AdmissionMiddleware(house, room)
    guests = visits(door, 3)
    whole(guests)
    await settle()
    late = Visit(door)
    await settle()
    house.leave.set()
    await asyncio.gather(late.task, *(guest.task for guest in guests))
    with room.slot():
        assert room.full


async def test_who_hangs_up_makes_room() -> None:
    room = ConcurrencyLimit(1)
    house = House(room)
    door = AdmissionMiddleware(house, room)
    gone = Visit(door)
    gone.send(False)
    await settle()
    gone.task.cancel()
    await settle()
    house.leave.set()
    after = Visit(door)
    after.send(False)
    await after.task
    assert after.status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/search", 503), ("POST", "/v1/tags", 503), ("POST", "/v1/search/batch", 503),
     ("GET", "/healthz", None), ("GET", "/v1/items/1/similar", None), ("GET", "/metrics", None)],
)  # fmt: skip
async def test_only_what_needs_the_model_is_counted(
    method: str, path: str, status: int | None
) -> None:
    room = ConcurrencyLimit(1)
    door = AdmissionMiddleware(House(room), room)
    first: Any = Visit(door, method="GET")
    await settle()
    second = Visit(door, path, method)
    await settle()
    assert second.status == status
    first.task.cancel()
    second.task.cancel()
