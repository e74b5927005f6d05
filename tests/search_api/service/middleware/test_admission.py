"""Admission control on one event loop, with bodies that a test sends piece by piece."""

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


class Application:
    """Reads the body, takes a slot, and holds it until it may leave."""

    def __init__(self, limit: ConcurrencyLimit) -> None:
        self._limit = limit
        self.in_progress = 0
        self.leave = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            while (await receive())["more_body"]:
                pass
        takes = scope["path"] in ("/v1/search", "/v1/search/batch", "/v1/tags")
        with self._limit.slot() if takes else nullcontext():
            self.in_progress += 1
            await self.leave.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})


class Request:
    """One request, whose body a test sends piece by piece."""

    def __init__(
        self, middleware: AdmissionMiddleware, path: str = "/v1/search", method: str = "POST"
    ) -> None:
        self._pieces: asyncio.Queue[Message] = asyncio.Queue()
        self.answer: list[Message] = []
        self.received = 0
        headers = [(b"content-length", b"2")] if method == "POST" else []
        scope = {"type": "http", "method": method, "path": path, "headers": headers,
                 "state": {"request_id": "1"}}  # fmt: skip
        self.task = asyncio.create_task(middleware(scope, self._receive, self._send))

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


def requests(middleware: AdmissionMiddleware, count: int) -> list[Request]:
    return [Request(middleware) for _ in range(count)]


def send_bodies(accepted: Iterable[Request]) -> None:
    for request in accepted:
        request.send(True, False)


async def test_a_request_over_the_limit_is_refused_unread() -> None:
    limit = ConcurrencyLimit(3)
    app = Application(limit)
    middleware = AdmissionMiddleware(app, limit)
    accepted = requests(middleware, 3)
    send_bodies(accepted)
    await settle()
    late = Request(middleware)
    await settle()
    assert app.in_progress == 3
    assert (late.status, late.received) == (503, 0)
    assert (b"retry-after", b"1") in late.answer[0]["headers"]
    assert json.loads(late.answer[1]["body"])["code"] == "overloaded"
    app.leave.set()
    await asyncio.gather(*(request.task for request in accepted))
    again = Request(middleware)
    again.send(False)
    await again.task
    assert again.status == 200


async def test_slow_clients_occupy_no_slots() -> None:
    limit = ConcurrencyLimit(2)
    app = Application(limit)
    middleware = AdmissionMiddleware(app, limit)
    slow = requests(middleware, 10)
    for request in slow:
        request.send(True)
    await settle()
    quick = requests(middleware, 2)
    send_bodies(quick)
    await settle()
    assert app.in_progress == 2
    slow[0].send(False)
    with pytest.raises(OverloadedError):
        await slow[0].task
    app.leave.set()
    await asyncio.gather(*(request.task for request in quick))
    for request in slow[1:]:
        request.send(False)
    await asyncio.gather(*(request.task for request in slow[1:]))
    assert [request.status for request in slow[1:]] == [200] * 9


def test_a_refusal_lowers_the_limit_for_a_second() -> None:
    now = [100.0]
    limit = ConcurrencyLimit(4, crowded=2, clock=lambda: now[0])
    with ExitStack() as inside:
        for _ in range(4):
            inside.enter_context(limit.slot())
        with pytest.raises(OverloadedError), limit.slot():
            pass
    with limit.slot(), limit.slot():
        assert limit.full
        now[0] += 0.9
        assert limit.full
        now[0] += 0.2
        assert not limit.full
        with limit.slot(), limit.slot():
            assert limit.full
            now[0] += 5
            assert limit.full


async def test_a_refusal_by_the_middleware_lowers_the_limit() -> None:
    limit = ConcurrencyLimit(3, crowded=1)
    app = Application(limit)
    middleware = AdmissionMiddleware(app, limit)
    accepted = requests(middleware, 3)
    send_bodies(accepted)
    await settle()
    late = Request(middleware)
    await settle()
    app.leave.set()
    await asyncio.gather(late.task, *(request.task for request in accepted))
    with limit.slot():
        assert limit.full


async def test_a_disconnected_client_frees_its_slot() -> None:
    limit = ConcurrencyLimit(1)
    app = Application(limit)
    middleware = AdmissionMiddleware(app, limit)
    gone = Request(middleware)
    gone.send(False)
    await settle()
    gone.task.cancel()
    await settle()
    app.leave.set()
    after = Request(middleware)
    after.send(False)
    await after.task
    assert after.status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/search", 503), ("POST", "/v1/tags", 503), ("POST", "/v1/search/batch", 503),
     ("GET", "/healthz", None), ("GET", "/v1/items/1/similar", None), ("GET", "/metrics", None)],
)  # fmt: skip
async def test_only_requests_for_the_model_are_limited(
    method: str, path: str, status: int | None
) -> None:
    limit = ConcurrencyLimit(1)
    middleware = AdmissionMiddleware(Application(limit), limit)
    first: Any = Request(middleware, method="GET")
    await settle()
    second = Request(middleware, path, method)
    await settle()
    assert second.status == status
    first.task.cancel()
    second.task.cancel()
