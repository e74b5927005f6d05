"""Connections to the service's HTTP protocol without a network, and with a clock of their own."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from search_api.service.connections import STATE, ConnectionGuard, ConnectionLimits, GuardedProtocol
from tests.support.clock import Clock
from tests.support.service_helpers import LEAK

__all__ = ["Server", "Transport", "echo", "refusal", "running", "settle", "status"]

HEADERS = {"X-Content-Type-Options": "nosniff"}


class Transport(asyncio.Transport):
    """Keeps what is written; the client reads all of it unless `reads` is false."""

    def __init__(self, peer: tuple[str, int] = ("192.0.2.1", 5000)) -> None:
        super().__init__()
        self.peer = peer
        self.written = b""
        self.reads = True
        self.ended = ""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": self.peer, "sockname": ("192.0.2.9", 80)}.get(name, default)

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def write_eof(self) -> None:
        self.ended = self.ended or "eof"

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def is_closing(self) -> bool:
        return self.ended in ("closed", "aborted")

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0 if self.reads else len(self.written)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the length of the body and the names of the headers."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    names = [name.decode() for name, _ in scope["headers"]]
    body = json.dumps([size, names]).encode()
    head = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


class Server:
    """Connections over one guard."""

    def __init__(self, app: Any = echo, **limits: Any) -> None:
        self.clock = Clock()
        self.ended: Counter[str] = Counter()
        limits = {"most": 100, "per_address": 100, **limits}
        self.guard = ConnectionGuard(ConnectionLimits(**limits), HEADERS, self._count, self.clock)
        self.config = Config(app, ws="none", log_config=None, proxy_headers=False)
        self.state = ServerState()

    def _count(self, reason: str) -> None:
        self.ended[reason] += 1

    def connect(self, address: str = "192.0.2.1") -> tuple[GuardedProtocol, Transport]:
        protocol = GuardedProtocol(self.config, self.state, {STATE: self.guard})
        transport = Transport((address, 5000))
        protocol.connection_made(transport)
        return protocol, transport

    def wait(self, seconds: float) -> None:
        """Let time pass, with a sweep every second."""
        for _ in range(round(seconds)):
            self.clock.now += 1
            self.guard.sweep()


def running(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Run a test on an event loop of its own."""

    def run() -> None:
        asyncio.run(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def status(transport: Transport) -> int:
    return int(transport.written.split()[1]) if transport.written else 0


def refusal(transport: Transport) -> tuple[int, str]:
    """Status and code of an answer of the server itself, after a check of its shape."""
    head, _, body = transport.written.partition(b"\r\n\r\n")
    lines = [line.decode().split(": ", 1) for line in head.split(b"\r\n")[1:]]
    headers = {name.lower(): value for name, value in lines}
    content = json.loads(body)
    assert set(content) == {"code", "message", "request_id"}
    assert headers["x-request-id"] == content["request_id"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(body)
    assert not LEAK.search(content["message"])
    return status(transport), content["code"]
