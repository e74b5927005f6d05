"""A web server of given pages that misbehave, and what tests of fetching do with it."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from indexer import SourceError
from indexer.image_loading.fetching import Fetcher, FetchLimits

IMAGE = bytes(range(256)) * 40
PUBLIC_ADDRESS = "93.184.216.34"
SMALL = FetchLimits(max_bytes=100_000)

Page = bytes | Callable[["Visit"], None]

PLAIN = b"HTTP/1.1 200 OK\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GZIP = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"


def response(body: bytes = b"", *headers: str, status: int = 200) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def moved(target: str, status: int = 302) -> bytes:
    return response(b"elsewhere", f"Location: {target}", status=status)


def flood(start: bytes, piece: bytes) -> Page:
    """Write for as long as the client reads."""

    def page(visit: Visit) -> None:
        visit.wfile.write(start)
        while True:
            visit.wfile.write(piece)

    return page


def wait_for_hang_up(visit: Visit) -> None:
    visit.rfile.read()


class ManualClock:
    """A clock that moves only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Visit(socketserver.StreamRequestHandler):
    """One connection; pages are raw responses, or functions that write and then hang up."""

    server: Site

    def handle(self) -> None:
        self.server.connections += 1
        while (line := self.rfile.readline()).startswith(b"GET "):
            head = line + b"".join(iter(self.rfile.readline, b"\r\n"))
            self.server.heads.append(head.decode("latin-1"))
            path = line.split(b" ")[1].decode("ascii")
            page = self.server.pages.get(path) or self.server.pages[path.partition("?")[0]]
            if callable(page):
                page(self)
                return
            self.wfile.write(page)
            if b"Connection: close" in page:
                return


class Site(socketserver.ThreadingTCPServer):
    """A server on 127.0.0.1 with given pages; records the heads of requests."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, pages: dict[str, Page], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Visit)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.pages = pages
        self.connections = 0
        self.heads: list[str] = []
        self.port = self.socket.getsockname()[1]
        self._closed = 0
        self._closing = threading.Condition()

    def url(self, path: str = "/a.jpg", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        super().shutdown_request(request)
        with self._closing:
            self._closed += 1
            self._closing.notify_all()

    def wait_until_closed(self, connections: int) -> None:
        """Wait until the server has closed so many connections."""
        with self._closing:
            assert self._closing.wait_for(lambda: self._closed >= connections, timeout=60)

    def handle_error(self, _request: object, _client_address: object) -> None:
        """Ignore clients that hang up: most pages here make them."""


@contextmanager
def running(pages: dict[str, Page], tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    with Site(pages, tls) as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()


def refused(fetcher: Fetcher, url: str) -> SourceError:
    """Fetch a URL that can't be fetched, and return the error."""
    with pytest.raises(SourceError) as caught:
        fetcher.fetch(url)
    assert caught.value.message.isprintable()
    return caught.value


def resolver(**hosts: Sequence[str]) -> Callable[[str, int], Sequence[str]]:
    """Resolve `shop` as `shop.example` and so on; other names don't exist."""

    def resolve(host: str, port: int) -> Sequence[str]:
        try:
            return hosts[host.removesuffix(".example")]
        except KeyError:
            raise socket.gaierror(-2, "Name or service not known") from None

    return resolve
