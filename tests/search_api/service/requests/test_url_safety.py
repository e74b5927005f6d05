"""A real server that fetches URLs: no connection goes where it must not."""

from __future__ import annotations

import gzip
import os
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.non_public_hosts import NON_PUBLIC_HOSTS
from tests.support.processes import PATIENCE, Cli, serve
from tests.support.service_helpers import RED, error_of, ids, image_file

PUBLIC = "93.184.216.34"

# Names under `.example` get their addresses from a table, in turns; the public address leads to
# the test's own server. Real connections and look-ups are recorded.
PRELUDE = """
import itertools, socket, sys

site, wire = {site}, open({wire!r}, "a", buffering=1)
names = {{name: itertools.cycle(turns) for name, turns in {names}.items()}}
real_connect, real_look_up = socket.socket.connect, socket.getaddrinfo

def record(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple) and args[1] != ("127.0.0.1", site):
        wire.write(f"{{event}} {{args[1]}}\\n")
    elif event in ("socket.sendto", "socket.gethostbyname"):
        wire.write(f"{{event}} {{args[1:]}}\\n")

def connect(self, address):
    if isinstance(address, tuple):
        wire.write(f"dialled {{address[0]}}\\n")
        if address[0] == {public!r}:
            address = ("127.0.0.1", site)
    return real_connect(self, address)

def look_up(host, port, *rest, **more):
    name = host.decode() if isinstance(host, bytes) else host
    if name not in names:
        return real_look_up(host, port, *rest, **more)
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in next(names[name])]

sys.addaudithook(record)
socket.socket.connect, socket.getaddrinfo = connect, look_up
"""

NAMES = {
    "shop.example": [[PUBLIC]],
    "inner.example": [["192.168.0.7"]],
    "both.example": [[PUBLIC, "10.0.0.1"]],
    "turns.example": [[PUBLIC], ["127.0.0.1"]],
    "hops.example": [[PUBLIC], ["169.254.169.254"]],
    "old.example": [["::ffff:127.0.0.1"]],
}

MOVED = {
    "/to-loopback": "http://127.0.0.1/",
    "/to-metadata": "http://169.254.169.254/latest/meta-data/",
    "/to-name": "http://inner.example/",
    "/to-localhost": "//localhost/",
    "/to-file": "file:///etc/passwd",
    "/to-data": "data:image/png;base64,AAAA",
    "/to-number": "http://2130706433/",
    "/hop": "/red.png",
    "/loop": "/loop",
}
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def endless(write: Callable[[bytes], Any]) -> None:
    write(CHUNKED)
    while True:
        write(b"10000\r\n" + bytes(2**16) + b"\r\n")


def drip(write: Callable[[bytes], Any]) -> None:
    write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        write(b"x")
        time.sleep(0.05)


def slow_head(write: Callable[[bytes], Any]) -> None:
    while True:
        write(b"H")
        time.sleep(0.05)


def bomb(write: Callable[[bytes], Any]) -> None:
    packed = gzip.compress(bytes(2**26))
    write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + packed)


BAD: dict[str, Callable[[Callable[[bytes], Any]], None]] = {
    "/endless": endless, "/drip": drip, "/slow-head": slow_head, "/bomb": bomb,
    "/hang-up": lambda write: None,
}  # fmt: skip


class _Visit(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        path = self.rfile.readline().split(b" ")[1].decode("latin-1")
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        try:
            if path in BAD:
                BAD[path](self.wfile.write)
            elif path in MOVED:
                head = f"HTTP/1.1 302 X\r\nLocation: {MOVED[path]}\r\nContent-Length: 0\r\n\r\n"
                self.wfile.write(head.encode())
            else:
                data = image_file(RED)
                self.wfile.write(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data
                )
        except OSError:
            pass  # the server closed the connection, as it should


class _Site(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


@dataclass(frozen=True)
class Fetching:
    """A server that fetches, and the record of its connections."""

    http: httpx.Client
    wire: Path
    site: str

    def ask(self, url: str) -> httpx.Response:
        return self.http.post("/v1/search", json={"image_url": url, "k": 1})

    def recorded(self) -> list[str]:
        """Connections and look-ups since the last call."""
        lines = self.wire.read_text().splitlines()
        os.truncate(self.wire, 0)
        return lines


@contextmanager
def fetching_server(index: Path, folder: Path, url_seconds: float) -> Iterator[Fetching]:
    """A server that gives up a fetch after so many seconds."""
    wire = folder / "wire"
    wire.touch()
    settings = {
        "LOOKALIKE_URL_SECONDS": str(url_seconds),
        "LOOKALIKE_MAX_IMAGE_BYTES": "1000000",
    }
    with _Site(("127.0.0.1", 0), _Visit) as site:
        threading.Thread(target=site.serve_forever, args=(0.02,), daemon=True).start()
        port = site.server_address[1]
        prelude = PRELUDE.format(site=port, wire=str(wire), names=NAMES, public=PUBLIC)
        cli = Cli(fake=True, prelude=prelude, environment=settings)
        options = ("--port", "0", "--allow-url-fetch")
        server = serve(cli, index, folder / "log", options)
        with httpx.Client(base_url=server.url, timeout=PATIENCE) as http:
            yield Fetching(http, wire, f"http://127.0.0.1:{port}")
        server.process.terminate()
        server.process.communicate(timeout=PATIENCE)
        site.shutdown()


@pytest.fixture(scope="module")
def fetching(coloured: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fetching]:
    """A server whose time limit no test waits for."""
    folder = tmp_path_factory.mktemp("fetching")
    with fetching_server(coloured / "index", folder, url_seconds=60) as fetching:
        yield fetching


@pytest.fixture(scope="module")
def hasty(coloured: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fetching]:
    """A server that soon gives up a fetch."""
    folder = tmp_path_factory.mktemp("hasty")
    with fetching_server(coloured / "index", folder, url_seconds=0.8) as fetching:
        yield fetching


def test_a_public_image_is_fetched(fetching: Fetching) -> None:
    fetching.recorded()
    assert ids(fetching.ask("http://shop.example/red.png")) == ["red"]
    assert ids(fetching.ask("http://shop.example/hop")) == ["red"]
    assert set(fetching.recorded()) == {f"dialled {PUBLIC}"}


@pytest.mark.case(35)
def test_no_packet_goes_to_a_private_host_in_any_spelling(fetching: Fetching) -> None:
    fetching.recorded()
    urls = [f"http://{host}/a.jpg" for host in NON_PUBLIC_HOSTS]
    urls += [f"{fetching.site}/red.png", "file:///etc/passwd", "ftp://shop.example/a.jpg",
             "data:image/png;base64,AAAA", "gopher://127.0.0.1:6379/_x",
             "http://me:x@shop.example/", "jar:http://shop.example/a!/b",
             "dict://127.0.0.1:11211/", "//127.0.0.1/", ""]  # fmt: skip
    assert len(urls) > 400
    for start in range(0, len(urls), 64):
        some = urls[start : start + 64]
        queries = [{"image_url": url} for url in some]
        results = fetching.http.post("/v1/search/batch", json={"queries": queries}).json()
        for url, result in zip(some, results["results"], strict=True):
            got = (result["status"], (result["error"] or {}).get("code"))
            assert got == (400, "url_not_allowed"), url
    assert fetching.recorded() == []


@pytest.mark.parametrize("host", ["inner", "both", "old"])
def test_names_with_a_private_address_are_not_dialled(fetching: Fetching, host: str) -> None:
    fetching.recorded()
    answer = fetching.ask(f"http://{host}.example/red.png")
    assert error_of(answer) == (400, "url_not_allowed")
    assert fetching.recorded() == []


@pytest.mark.case(36)
def test_a_name_that_changes_its_address_is_checked_each_time(fetching: Fetching) -> None:
    fetching.recorded()
    assert ids(fetching.ask("http://turns.example/red.png")) == ["red"]
    assert error_of(fetching.ask("http://turns.example/red.png")) == (400, "url_not_allowed")
    # Every hop is looked up, checked and dialled again, unless the connection is kept.
    hop = fetching.ask("http://hops.example/to-name")
    assert error_of(hop) == (400, "url_not_allowed")
    assert set(fetching.recorded()) == {f"dialled {PUBLIC}"}


@pytest.mark.case(36)
@pytest.mark.parametrize("path", [path for path in MOVED if path.startswith("/to-")])
def test_redirects_are_checked_too(fetching: Fetching, path: str) -> None:
    fetching.recorded()
    answer = fetching.ask(f"http://shop.example{path}")
    assert error_of(answer) == (400, "url_not_allowed")
    assert set(fetching.recorded()) <= {f"dialled {PUBLIC}"}


@pytest.mark.case(37)
@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/endless", (413, "payload_too_large")),
        ("/bomb", (413, "payload_too_large")),
        ("/hang-up", (422, "url_unreachable")),
        ("/loop", (422, "url_unreachable")),
    ],
)
def test_bad_sources_get_clear_answers(
    fetching: Fetching, path: str, error: tuple[int, str]
) -> None:
    assert error_of(fetching.ask(f"http://shop.example{path}")) == error


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/drip", "/slow-head"])
def test_slow_sources_are_timeouts(hasty: Fetching, path: str) -> None:
    assert error_of(hasty.ask(f"http://shop.example{path}")) == (504, "url_timeout")


@pytest.mark.slow
def test_slow_sources_delay_no_other_query(hasty: Fetching) -> None:
    urls = ["http://shop.example/drip"] * 90
    with ThreadPoolExecutor(90) as pool:
        slow = [pool.submit(hasty.ask, url) for url in urls]
        while not any(one.done() for one in slow):
            answer = hasty.http.post("/v1/search", json={"text": "red", "k": 1})
            assert ids(answer)[0] in ("red", "dark-red")
        refused = [one.result() for one in slow]
    codes = [error_of(answer) for answer in refused]
    assert set(codes) == {(504, "url_timeout"), (503, "overloaded")}
    assert 72 <= codes.count((504, "url_timeout")) < 90


@pytest.mark.slow
def test_a_list_of_hosts_allows_no_other(coloured: Path, tmp_path: Path) -> None:
    options = ("--port", "0", "--url-host", "a.example", "--url-host", "b.example")
    server = serve(Cli(fake=True), coloured / "index", tmp_path / "log", options)
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as http:
        answer = http.post("/v1/search", json={"image_url": "http://c.example/"})
        assert error_of(answer) == (400, "url_not_allowed")
        listed = http.post("/v1/search", json={"image_url": "http://b.example/"})
        assert error_of(listed)[1] in ("url_unreachable", "url_timeout")
    server.process.terminate()
    server.process.communicate(timeout=PATIENCE)
