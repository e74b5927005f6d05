"""Load generator: prepared requests over kept connections, cheap enough for two cores."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

__all__ = ["Answer", "Load", "multipart", "text_request"]

_BOUNDARY = "lookalike-benchmark"


@dataclass(frozen=True)
class Answer:
    """The outcome of one request.

    Attributes:
        due: When it should be sent, by `time.perf_counter`.
        seconds: From then until its last byte.
        status: 0 where the connection broke.
        body: Of the answer, where bodies are kept.
    """

    due: float
    seconds: float
    status: int
    body: bytes


def text_request(text: str, host: str = "localhost") -> bytes:
    """Return a search by text as the bytes of an HTTP request."""
    body = f'{{"text": "{text}"}}'.encode()
    head = (
        f"POST /v1/search HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def multipart(image: bytes, host: str = "localhost") -> bytes:
    """Return a search by an uploaded JPEG as the bytes of an HTTP request."""
    body = (
        (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="q.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        ).encode()
        + image
        + f"\r\n--{_BOUNDARY}--\r\n".encode()
    )
    head = (
        f"POST /v1/search HTTP/1.1\r\nHost: {host}\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection(asyncio.Protocol):
    """One connection with one request at a time; answers must have a Content-Length."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._needed = -1
        self._body_at = 0
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, _: Exception | None) -> None:
        self.transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result((0, b""))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._needed < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._buffer[:end]).lower()
            at = head.index(b"content-length:") + 15
            self._body_at = end + 4
            self._needed = self._body_at + int(head[at : (head + b"\r").index(b"\r", at)])
        if len(self._buffer) >= self._needed and self._waiting is not None:
            status = int(self._buffer[9:12])
            body = bytes(self._buffer[self._body_at : self._needed])
            del self._buffer[: self._needed]
            self._needed = -1
            self._waiting.set_result((status, body))

    async def send(self, request: bytes) -> tuple[int, bytes]:
        if self.transport is None:
            return 0, b""
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiting


class Load:
    """Sends requests to one address and keeps the outcome of each.

    Args:
        host: Where the server listens.
        port: Where the server listens.
        requests: What is sent, in turn; after the last the first comes again.
        keep_bodies: Whether answers keep their bodies.
    """

    def __init__(
        self, host: str, port: int, requests: Sequence[bytes], *, keep_bodies: bool = False
    ) -> None:
        self._address = (host, port)
        self._requests = requests
        self._next: Iterator[int] = count()
        self._keep = keep_bodies
        self._idle: list[_Connection] = []
        self.answers: list[Answer] = []

    async def closed_loop(self, clients: int, seconds: float) -> list[Answer]:
        """Run clients that each send the next request as soon as they have an answer."""
        end = time.perf_counter() + seconds

        async def client() -> None:
            while (now := time.perf_counter()) < end:
                await self._send(now)

        return await self._run([client() for _ in range(clients)])

    async def open_loop(self, rate: float, seconds: float) -> list[Answer]:
        """Send requests at random moments (a Poisson process), without waiting for answers."""
        draw = random.Random(0).expovariate
        start, due = time.perf_counter(), 0.0
        tasks: list[asyncio.Task[None]] = []
        while due < seconds:
            pause = start + due - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            tasks.append(asyncio.create_task(self._send(start + due)))
            due += draw(rate)
        return await self._run(tasks)

    async def until(self, clients: int, done: Callable[[], bool]) -> list[Answer]:
        """Run clients as `closed_loop` does, until a function returns true."""

        async def client() -> None:
            while not done():
                await self._send(time.perf_counter())

        return await self._run([client() for _ in range(clients)])

    async def _run(self, work: Sequence[object]) -> list[Answer]:
        await asyncio.gather(*work)  # type: ignore[call-overload]
        for connection in self._idle:
            if connection.transport is not None:
                connection.transport.close()
        self._idle, answers = [], self.answers
        self.answers = []
        return answers

    async def _send(self, due: float) -> None:
        request = self._requests[next(self._next) % len(self._requests)]
        connection = self._kept() or await self._connect()
        status, body = await connection.send(request)
        took = time.perf_counter() - due
        self.answers.append(Answer(due, took, status, body if self._keep else b""))
        if connection.transport is not None:
            self._idle.append(connection)

    def _kept(self) -> _Connection | None:
        """Return an idle connection that the server has not closed meanwhile."""
        while self._idle:
            connection = self._idle.pop()
            if connection.transport is not None:
                return connection
        return None

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, *self._address)
        return connection
