"""Fetching pictures: limits hold against bad servers, and nobody dials an inner address."""

from __future__ import annotations

import gzip
import ipaddress
import itertools
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import SourceError
from indexer.image_loading.fetching import AddressPolicy, Fetcher, FetchLimits, fetch_ahead
from tests.support.inner_hosts import INNER_HOSTS

PICTURE = bytes(range(256)) * 40
PUBLIC_ADDRESS = "93.184.216.34"
SMALL = FetchLimits(max_bytes=100_000)
SHORT = FetchLimits(total_seconds=0.5)  # only where the time is meant to run out

Page = bytes | Callable[["Visit"], None]


def answer(body: bytes = b"", *headers: str, status: int = 200) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def moved(target: str, status: int = 302) -> bytes:
    return answer(b"elsewhere", f"Location: {target}", status=status)


class Visit(socketserver.StreamRequestHandler):
    """One connection; pages are raw answers, or functions that write and then hang up."""

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
    """A server on 127.0.0.1 with given pages; remembers the heads of requests."""

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

    def url(self, path: str = "/a.jpg", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def handle_error(self, _request: object, _client_address: object) -> None:
        """A client that hung up is what most pages here want."""


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


@pytest.fixture
def site() -> Iterator[Site]:
    with running({"/a.jpg": answer(PICTURE)}) as site:
        yield site


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    """Small pictures, any address."""
    with Fetcher(SMALL, AddressPolicy.ANY) as fetcher:
        yield fetcher


def refused(fetcher: Fetcher, url: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        fetcher.fetch(url)
    assert caught.value.message.isprintable()
    return caught.value


# --- Good servers -------------------------------------------------------------------------------


def test_a_picture_comes_as_it_is_and_the_request_is_plain(site: Site, fetcher: Fetcher) -> None:
    assert fetcher.fetch(site.url("/a.jpg")) == PICTURE
    (head,) = site.heads
    assert head.splitlines() == [
        "GET /a.jpg HTTP/1.1",
        f"Host: 127.0.0.1:{site.port}",
        "User-Agent: lookalike",
        "Accept: image/*, */*;q=0.5",
        "Accept-Encoding: identity",
    ]


def test_connections_are_kept_and_cookies_are_not(site: Site, fetcher: Fetcher) -> None:
    site.pages["/a.jpg"] = answer(PICTURE, "Set-Cookie: id=1; Path=/")
    assert [fetcher.fetch(site.url()) for _ in range(5)] == [PICTURE] * 5
    assert site.connections < 5
    assert not any("cookie" in head.lower() for head in site.heads)


def test_a_kept_connection_that_died_is_replaced(site: Site, fetcher: Fetcher) -> None:
    def once_each(visit: Visit) -> None:
        """Answer the first request of a connection and hang up on the second."""
        visit.wfile.write(answer(PICTURE))
        visit.rfile.readline()

    site.pages["/a.jpg"] = once_each
    for _ in range(3):
        assert fetcher.fetch(site.url()) == PICTURE


def test_the_rest_of_a_wrong_answer_is_not_the_next_one(site: Site, fetcher: Fetcher) -> None:
    site.pages["/short.jpg"] = answer(PICTURE) + b"more than was announced"
    assert fetcher.fetch(site.url("/short.jpg")) == PICTURE
    assert fetcher.fetch(site.url("/a.jpg")) == PICTURE


def test_bodies_without_length_and_in_chunks_are_read(site: Site, fetcher: Fetcher) -> None:
    site.pages["/old.jpg"] = lambda visit: (
        visit.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + PICTURE) and None
    )
    site.pages["/chunks.jpg"] = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"
    )
    assert fetcher.fetch(site.url("/old.jpg")) == PICTURE
    assert fetcher.fetch(site.url("/chunks.jpg")) == b"abcdefg"


def test_proxies_of_the_environment_are_not_used(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    with Fetcher(SMALL, AddressPolicy.ANY) as fetcher:
        assert fetcher.fetch(site.url()) == PICTURE


def test_many_threads_get_each_their_own_picture(site: Site) -> None:
    bodies = {f"/{n}": bytes([n]) * (1000 + n) for n in range(100)}
    site.pages.update({path: answer(body) for path, body in bodies.items()})
    with Fetcher(policy=AddressPolicy.ANY) as fetcher, ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda path: fetcher.fetch(site.url(path)), bodies))
    assert got == list(bodies.values())


# --- Redirects ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_up_to_the_limit(site: Site, fetcher: Fetcher, status: int) -> None:
    site.pages["/3"] = moved("2?x=1", status)
    site.pages["/2?x=1"] = moved(f"//127.0.0.1:{site.port}/d/1", status)
    site.pages["/d/1"] = moved(site.url("/a.jpg"), status)
    site.pages["/4"] = moved("/3", status)
    assert fetcher.fetch(site.url("/3")) == PICTURE
    error = refused(fetcher, site.url("/4?token=secret"))
    assert error.reason == "url_bad_status"


def test_a_redirect_loop_ends_and_is_told(site: Site, fetcher: Fetcher) -> None:
    site.pages["/loop"] = moved("/loop?token=secret")
    site.pages["/loop?token=secret"] = moved("/loop")
    error = refused(fetcher, site.url("/loop"))
    assert error.reason == "url_bad_status"
    assert "more than 3 times" in error.message
    assert len(site.heads) == 4


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/a.jpg",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "gopher://127.0.0.1:6379/_x",
        "http://me:secret@127.0.0.1/a.jpg",
        "//me:secret@127.0.0.1/a.jpg",
        "http://[::1/a.jpg?secret",
        "http://0x7f.1/a.jpg",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:65536/",
    ],
)
def test_redirects_to_what_is_no_plain_web_address_are_refused(
    site: Site, fetcher: Fetcher, target: str
) -> None:
    site.pages["/away"] = moved(target)
    error = refused(fetcher, site.url("/away"))
    assert error.reason == "url_not_allowed"
    assert "secret" not in error.message
    assert len(site.heads) == 1


# --- Bad servers --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [201, 204, 206, 300, 302, 304, 401, 403, 404, 410, 500, 503])
def test_only_status_200_is_a_picture(site: Site, fetcher: Fetcher, status: int) -> None:
    site.pages["/x"] = answer(b"" if status in (204, 304) else PICTURE, status=status)
    error = refused(fetcher, site.url("/x?token=secret"))
    assert error.reason == "url_bad_status"
    assert str(status) in error.message
    assert "secret" not in error.message


def drip(start: bytes, drop: bytes = b"x") -> Page:
    def page(visit: Visit) -> None:
        visit.wfile.write(start)
        for _ in range(250):  # ten times as long as the fetcher has
            visit.wfile.write(drop)
            time.sleep(0.02)

    return page


def flood(start: bytes, piece: bytes) -> Page:
    def page(visit: Visit) -> None:
        visit.wfile.write(start)
        over = time.monotonic() + 10
        while time.monotonic() < over:
            visit.wfile.write(piece)

    return page


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\n\r\n"
GZIP = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"


@pytest.mark.parametrize(
    "page",
    [
        drip(b"HTTP/1.1 200 OK\r\nX: "),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n"),
        drip(PLAIN),
        drip(CHUNKED, b"1\r\nx\r\n"),
        drip(b"", b"HTTP/1.1 102 Wait\r\n\r\n"),
        flood(b"", b"HTTP/1.1 102 Wait\r\n\r\n" * 1000),
        lambda visit: time.sleep(2),
    ],
    ids=["header", "body", "endless-body", "chunks", "interim", "interim-flood", "silent"],
)
def test_a_slow_server_is_given_up_at_the_deadline(site: Site, page: Page) -> None:
    site.pages["/slow"] = page
    with Fetcher(SHORT, AddressPolicy.ANY) as fetcher:
        assert refused(fetcher, site.url("/slow")).reason == "url_timeout"


def test_redirects_do_not_buy_time(site: Site) -> None:
    def later(visit: Visit) -> None:
        time.sleep(0.4)
        visit.wfile.write(moved("/later"))

    site.pages["/later"] = later
    with Fetcher(FetchLimits(total_seconds=1, max_redirects=10), AddressPolicy.ANY) as fetcher:
        assert refused(fetcher, site.url("/later")).reason == "url_timeout"
    assert len(site.heads) <= 4


def test_a_tls_handshake_that_never_ends_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # connects, and says nothing
        limits = FetchLimits(connect_seconds=0.3, total_seconds=60)
        with Fetcher(limits, AddressPolicy.ANY) as fetcher:
            port = listener.getsockname()[1]
            assert refused(fetcher, f"https://127.0.0.1:{port}/").reason == "url_timeout"


@pytest.mark.parametrize(
    "page",
    [
        flood(PLAIN, b"x" * 10_000),
        flood(CHUNKED, b"2000\r\n" + b"x" * 0x2000 + b"\r\n"),
        flood(b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n", b""),
        flood(GZIP, gzip.compress(b"x" * 10**6)),
        flood(GZIP + gzip.compress(b"")[:10], b"\0\0\0\xff\xff" * 1000),  # empty blocks
    ],
    ids=["endless", "endless-chunks", "announced", "gzip", "gzip-raw"],
)
def test_too_many_bytes_are_not_read(site: Site, page: Page) -> None:
    site.pages["/large"] = page
    with Fetcher(SMALL, AddressPolicy.ANY) as fetcher:
        assert refused(fetcher, site.url("/large")).reason == "image_too_large"


def test_the_size_limit_is_exact(site: Site) -> None:
    most = len(PICTURE)
    site.pages["/chunks"] = b"%s%x\r\n%s\r\n0\r\n\r\n" % (CHUNKED, most, PICTURE)
    site.pages["/gzip"] = answer(gzip.compress(PICTURE), "Content-Encoding: gzip")
    paths = ("/a.jpg", "/chunks", "/gzip")
    with Fetcher(FetchLimits(max_bytes=most), AddressPolicy.ANY) as fetcher:
        assert [fetcher.fetch(site.url(path)) for path in paths] == [PICTURE] * 3
    with Fetcher(FetchLimits(max_bytes=most - 1), AddressPolicy.ANY) as fetcher:
        reasons = [refused(fetcher, site.url(path)).reason for path in paths]
        assert reasons == ["image_too_large"] * 3


def test_a_gzip_bomb_is_stopped_while_it_unpacks(site: Site) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(200)) + packer.flush()
    site.pages["/bomb"] = answer(bomb, "Content-Encoding: gzip")
    limits = FetchLimits(max_bytes=2**20)
    with Fetcher(limits, AddressPolicy.ANY) as fetcher:
        tracemalloc.start()
        try:
            assert refused(fetcher, site.url("/bomb")).reason == "image_too_large"
            assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
        finally:
            tracemalloc.stop()


def test_gzip_is_undone_however_it_is_cut(site: Site, fetcher: Fetcher) -> None:
    packed = gzip.compress(PICTURE)
    for size in (1, 7, len(packed)):
        parts = [packed[at : at + size] for at in range(0, len(packed), size)]
        site.pages["/x"] = (
            CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: GZip\r\n\r\n")
            + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
            + b"0\r\n\r\n"
        )
        assert fetcher.fetch(site.url("/x")) == PICTURE
    site.pages["/more"] = flood(GZIP + packed, b"not gzip")
    assert fetcher.fetch(site.url("/more")) == PICTURE


@pytest.mark.parametrize(
    "page",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\ncut short",
        CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"9\r\ncut",
        b"SSH-2.0-x Connection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
        answer(PICTURE, "Content-Encoding: br"),
        answer(PICTURE, "Content-Encoding: gzip"),
        answer(gzip.compress(PICTURE), "Content-Encoding: gzip", "Content-Encoding: gzip"),
        answer(gzip.compress(PICTURE)[:-1], "Content-Encoding: gzip"),
        lambda visit: None,
    ],
    ids=[
        "cut", "cut-chunk", "no-http", "two-lengths", "bad-length", "huge-header", "brotli",
        "no-gzip", "gzip-twice", "gzip-cut", "hangs-up",
    ],
)  # fmt: skip
def test_a_server_that_breaks_the_protocol_is_unreachable(
    site: Site, fetcher: Fetcher, page: Page
) -> None:
    site.pages["/x"] = page
    assert refused(fetcher, site.url("/x")).reason == "url_unreachable"


def test_a_closed_port_is_unreachable(fetcher: Fetcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = refused(fetcher, f"http://127.0.0.1:{port}/a.jpg?token=secret")
    assert error.reason == "url_unreachable"
    assert f"'http://127.0.0.1:{port}/a.jpg'" in error.message


def _open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_failed_fetches_leave_no_descriptor_open(site: Site) -> None:
    site.pages["/gone"] = answer(b"", "Connection: close", status=404)
    site.pages["/large"] = answer(bytes(200_000), "Connection: close")
    site.pages["/cut"] = lambda visit: None
    site.pages["/loop"] = moved("/loop")
    with Fetcher(SMALL, AddressPolicy.ANY) as fetcher:
        before = _open_descriptors()
        for path in ("/gone", "/large", "/cut", "/loop") * 5:
            refused(fetcher, site.url(path))
            refused(fetcher, site.url(path, scheme="https"))
        deadline = time.monotonic() + 10
        while _open_descriptors() > before and time.monotonic() < deadline:
            time.sleep(0.02)  # the server's ends close a little later
        assert _open_descriptors() <= before


def test_a_closed_fetcher_fetches_no_more(site: Site) -> None:
    fetcher = Fetcher(SMALL, AddressPolicy.ANY)
    fetcher.close()
    with pytest.raises(RuntimeError, match="closed"):
        fetcher.fetch(site.url())
    assert site.connections == 0


# --- Names and certificates ---------------------------------------------------------------------


def known(**hosts: Sequence[str]) -> Callable[[str, int], Sequence[str]]:
    """Resolve `shop` as `shop.example` and so on; other names don't exist."""

    def resolve(host: str, port: int) -> Sequence[str]:
        try:
            return hosts[host.removesuffix(".example")]
        except KeyError:
            raise socket.gaierror(-2, "Name or service not known") from None

    return resolve


def test_names_that_do_not_exist_are_unreachable() -> None:
    resolve = known(empty=[], odd=["no address"])
    with Fetcher(SMALL, AddressPolicy.ANY, resolve=resolve) as fetcher:
        for host in ("gone.example", "empty.example", "odd.example") * 30:
            assert refused(fetcher, f"http://{host}/").reason == "url_unreachable"


def test_a_name_server_that_hangs_is_given_up() -> None:
    over = threading.Event()

    def hang(host: str, port: int) -> Sequence[str]:
        over.wait(30)
        return ["127.0.0.1"]

    with Fetcher(SHORT, AddressPolicy.ANY, resolve=hang) as fetcher:
        assert refused(fetcher, "http://shop.example/").reason == "url_timeout"
    over.set()


def test_the_second_address_is_dialled_when_the_first_is_dead(site: Site) -> None:
    resolve = known(shop=["127.0.0.2", "::1", "127.0.0.1"])
    with Fetcher(policy=AddressPolicy.ANY, resolve=resolve) as fetcher:
        assert fetcher.fetch(site.url(host="shop.example")) == PICTURE
        assert f"Host: shop.example:{site.port}" in site.heads[0]


def test_an_address_that_never_answers_leaves_time_for_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.socket.connect
    given: list[float] = []

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        if address[0].startswith("10."):
            given.append(self.gettimeout() or 0)
            raise TimeoutError
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    resolve = known(shop=["10.0.0.1", "10.0.0.2", "127.0.0.1"], dead=["10.0.0.1", "10.0.0.2"])
    with Fetcher(FetchLimits(connect_seconds=9), AddressPolicy.ANY, resolve=resolve) as fetcher:
        assert fetcher.fetch(site.url(host="shop.example")) == PICTURE
        assert 0 < given[0] <= 3
        assert 0 < given[1] <= 4.5
        assert refused(fetcher, site.url(host="dead.example")).reason == "url_timeout"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for shop.example, signed by itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    folder = tmp_path_factory.mktemp("tls")
    options = (
        "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout key.pem "
        "-out cert.pem -subj /CN=x -addext subjectAltName=DNS:shop.example"
    )
    command = ["openssl", "req", "-x509", *options.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


def test_certificates_are_checked_against_the_urls_name(certificate: tuple[Path, Path]) -> None:
    asked: list[str | None] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    server.sni_callback = lambda _sock, name, _context: asked.append(name)
    trusting = ssl.create_default_context(cafile=certificate[0])
    resolve = known(shop=["127.0.0.1"], other=["127.0.0.1"])
    with running({"/a.jpg": answer(PICTURE)}, server) as site:
        ours = site.url(host="shop.example", scheme="https")
        dotted = site.url(host="shop.example.", scheme="https")
        others = site.url(host="other.example", scheme="https")
        with Fetcher(policy=AddressPolicy.ANY, tls=trusting, resolve=resolve) as fetcher:
            assert fetcher.fetch(ours) == fetcher.fetch(dotted) == PICTURE
            assert f"Host: shop.example:{site.port}\r\n" in site.heads[0]
            assert refused(fetcher, others).reason == "url_unreachable"
        with Fetcher(policy=AddressPolicy.ANY, resolve=resolve) as fetcher:
            assert refused(fetcher, ours).reason == "url_unreachable"  # nobody vouches for it
        assert set(asked) == {"shop.example", "other.example"}
        assert len(site.heads) == 2


# --- What may be fetched ------------------------------------------------------------------------

_listeners: list[list[str]] = []


def _hear(event: str, args: tuple[object, ...]) -> None:
    if _listeners and event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        _listeners[-1].append(f"{event} {args}")


sys.addaudithook(_hear)  # hears every connection and look-up in Python, by whichever function


@pytest.fixture
def wire() -> Iterator[list[str]]:
    """Every connection and look-up in a test."""
    _listeners.append([])
    yield _listeners[-1]
    _listeners.pop()


def test_there_are_hundreds_of_spellings() -> None:
    assert len(INNER_HOSTS) > 400


@pytest.mark.parametrize("start", ["http://{}/a.jpg", "https://{}:8443/a.jpg"])
def test_inner_hosts_are_refused_in_every_spelling_before_a_packet_leaves(
    wire: list[str], start: str
) -> None:
    with Fetcher(SMALL) as fetcher:
        for host in INNER_HOSTS:
            assert refused(fetcher, start.format(host)).reason == "url_not_allowed", host
    assert wire == []


def test_odd_spellings_of_addresses_are_refused_under_any_policy(
    fetcher: Fetcher, wire: list[str]
) -> None:
    for host in ("0x7f.1", "2130706433", "0177.0.0.1", "127.1", "%31.0.0.1", "[fe80::1%25eth0]"):
        assert refused(fetcher, f"http://{host}/").reason == "url_not_allowed"
    assert wire == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "FTP://shop.example/a.jpg",
        "data:image/png;base64,AAAA",
        "gopher://shop.example/",
        "ws://shop.example/",
        "a.jpg",
        "//shop.example/a.jpg",
        "http:/shop.example/a.jpg",
        "http://",
        "",
        "http://shop.example:0/",
        "http://shop.example:65536/",
        "http://shop.example:-1/",
        "http://shop.example:x/",
        "http://shop.example/\r\nHost: x",
        "http://shop.example/\ud800",
        "http://shop.example/" + "x" * 100_000,
        "http://me@shop.example/",
        "http://:secret@shop.example/",
        "http://me:secret@shop.example/",
        "ftp://me:secret@shop.example/",
        "http://me:secret@shop.example:x/",
        "http://me:secret@10.0.0.256/",
        "http://shop.example\\@10.0.0.1/",
    ],
)
def test_what_is_no_plain_web_address_is_refused(wire: list[str], url: str) -> None:
    for policy in AddressPolicy:
        with Fetcher(SMALL, policy) as fetcher:
            error = refused(fetcher, url)
        assert error.reason == "url_not_allowed"
        assert "secret" not in error.message
    assert wire == []


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_refused_or_a_name_that_is_looked_up(text: str) -> None:
    with Fetcher(SMALL, tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), resolve=known()) as fetcher:
        for url in (text, "http://" + text):
            error = refused(fetcher, url)
            looked_up = error.reason == "url_unreachable" and "not known" in error.message
            assert error.reason == "url_not_allowed" or looked_up


@pytest.fixture
def dialled(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that are dialled; the public one leads to the site, others fail the test."""
    real = socket.socket.connect
    addresses: list[str] = []

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        addresses.append(address[0])
        assert address[0] == PUBLIC_ADDRESS
        real(self, ("127.0.0.1", site.port))

    monkeypatch.setattr(socket.socket, "connect", connect)
    return addresses


def test_a_name_that_changes_its_address_leads_nowhere(site: Site, dialled: list[str]) -> None:
    site.pages["/a.jpg"] = answer(PICTURE, "Connection: close")
    answers = iter([[PUBLIC_ADDRESS], ["127.0.0.1"], ["169.254.169.254"], ["::1"], ["::"]])
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return next(answers)

    with Fetcher(resolve=resolve) as fetcher:
        assert fetcher.fetch("http://shop.example/a.jpg") == PICTURE
        assert asked == [("shop.example", 80)]  # what was checked is dialled, not looked up again
        for _ in range(4):
            assert refused(fetcher, "http://shop.example/a.jpg").reason == "url_not_allowed"
    assert dialled == [PUBLIC_ADDRESS]


def test_a_name_changed_between_hops_leads_nowhere(site: Site, dialled: list[str]) -> None:
    site.pages["/go"] = moved("/a.jpg")
    answers = iter([[PUBLIC_ADDRESS], ["127.0.0.1"]])
    with Fetcher(resolve=lambda host, port: next(answers)) as fetcher:
        assert refused(fetcher, "http://shop.example/go").reason == "url_not_allowed"
    assert dialled == [PUBLIC_ADDRESS]


def test_an_inner_address_among_public_ones_is_refused(dialled: list[str]) -> None:
    both = known(shop=[PUBLIC_ADDRESS, "10.0.0.1"], turned=["10.0.0.1", PUBLIC_ADDRESS])
    with Fetcher(resolve=both) as fetcher:
        for host in ("shop.example", "turned.example"):
            error = refused(fetcher, f"http://{host}/")
            assert error.reason == "url_not_allowed"
            assert "10.0.0.1" not in error.message
    assert dialled == []


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:10.0.0.1]/",
        "//localhost/",
        "http://inner.example/",
        "https://inner.example/",
    ],
)
def test_redirects_to_inner_hosts_are_refused(site: Site, dialled: list[str], target: str) -> None:
    site.pages["/go"] = moved(target)
    resolve = known(shop=[PUBLIC_ADDRESS], inner=["192.168.0.7"])
    with Fetcher(resolve=resolve) as fetcher:
        assert refused(fetcher, "http://shop.example/go").reason == "url_not_allowed"
    assert dialled == [PUBLIC_ADDRESS]


def test_only_listed_hosts_are_fetched_from(site: Site, dialled: list[str]) -> None:
    hosts = frozenset({"Shop.example", "bücher.example.", "2606:4700::1"})
    resolve = known(**{name: [PUBLIC_ADDRESS] for name in ("shop", "xn--bcher-kva", "a.shop")})
    site.pages["/go"] = moved("http://a.shop.example/a.jpg")
    with Fetcher(allowed_hosts=hosts, resolve=resolve) as fetcher:
        for host in ("SHOP.example", "shop.example.", "shop.example:8080", "bücher.example"):
            assert fetcher.fetch(f"http://{host}/a.jpg") == PICTURE
        for host in ("a.shop.example", "example", "shop.example.evil.example", PUBLIC_ADDRESS):
            assert refused(fetcher, f"http://{host}/a.jpg").reason == "url_not_allowed"
        assert refused(fetcher, "http://shop.example/go").reason == "url_not_allowed"
    for bad in ("", "a b", "shop.example/x", "shop.example:80", "*.example", "127.1"):
        with pytest.raises(ValueError, match="no host"):
            Fetcher(allowed_hosts=frozenset({bad}))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("9.255.255.255", True),
        ("11.0.0.0", True),
        ("100.63.255.255", True),
        ("100.128.0.0", True),
        ("172.15.255.255", True),
        ("172.32.0.0", True),
        ("223.255.255.255", True),
        ("224.0.0.0", False),
        ("2606:4700::1111", True),
        ("2001:4860:4860::8888", True),
        ("2001:1ff:ffff::1", False),
        ("2001:200::1", True),
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b::10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("fe80::1%eth0", False),
    ],
)
def test_the_policy_knows_the_edges_of_inner_blocks(address: str, public: bool) -> None:
    parsed = ipaddress.ip_address(address)
    assert AddressPolicy.PUBLIC.allows(parsed) is public
    assert AddressPolicy.ANY.allows(parsed)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**128 - 1))
def test_public_is_never_more_than_what_is_global(four: int, six: int) -> None:
    v4, v6 = ipaddress.IPv4Address(four), ipaddress.IPv6Address(six)
    for address in (v4, v6, ipaddress.IPv6Address(six & (2**125 - 1) | 2**125)):
        if AddressPolicy.PUBLIC.allows(address):
            assert address.is_global
            assert not address.is_multicast
            assert not address.is_reserved
    for carrier in (f"::ffff:{v4}", f"64:ff9b::{v4}"):
        allowed = AddressPolicy.PUBLIC.allows(ipaddress.ip_address(carrier))
        assert allowed is AddressPolicy.PUBLIC.allows(v4)


# --- Fetching ahead -----------------------------------------------------------------------------


class Script(Fetcher):
    """Gives `text` for a URL `text`; what `before` does comes first. Remembers what it began."""

    def __init__(self, before: Callable[[str], None] = lambda url: None) -> None:
        super().__init__()
        self.before = before
        self.begun: list[str] = []

    def fetch(self, url: str) -> bytes:
        self.begun.append(url)
        self.before(url)
        if url.startswith("bad"):
            raise SourceError("url_bad_status", url)
        return url.encode()


def fetching_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "fetch"]


def test_items_keep_their_order_and_results_theirs() -> None:
    late = threading.Event()

    def before(url: str) -> None:
        if url == "a":
            assert late.wait(30)
        if url == "bad-f":
            late.set()

    items = [("1", ["a", "b"]), ("2", []), ("3", ["bad-c", "d"]), ("4", ["e", "e", "bad-f"])]
    got = list(fetch_ahead(items, lambda item: item[1], Script(before), workers=3))
    assert [item for item, _ in got] == items
    shown = [
        [result.message if isinstance(result, SourceError) else result for result in results]
        for _, results in got
    ]
    assert shown == [[b"a", b"b"], [], ["bad-c", b"d"], [b"e", b"e", "bad-f"]]


def test_a_catalog_without_urls_passes_one_by_one_and_starts_no_thread() -> None:
    pulled: list[int] = []
    items = (pulled.append(n) or n for n in range(100))
    before = len(fetching_threads())
    for n, (item, results) in enumerate(fetch_ahead(items, lambda item: [], Script())):
        assert (item, results, len(pulled)) == (n, (), n + 1)
        assert len(fetching_threads()) <= before


@pytest.mark.parametrize("each", [1, 3, 0])
def test_no_more_is_taken_ahead_than_asked_for(each: int) -> None:
    """While the first picture is slow, only 8 URLs are taken of an endless catalog."""
    pulled: list[int] = []
    script = Script(lambda url: time.sleep(0.3) if url == "0-0" else None)

    def urls_of(number: int) -> list[str]:
        return [f"{number}-{n}" for n in range(each if number else 1)]

    items = (pulled.append(n) or n for n in itertools.count())
    ahead = fetch_ahead(items, urls_of, script, workers=4, ahead=8)
    assert next(ahead) == (0, (b"0-0",))
    assert len(script.begun) <= 8
    assert len(pulled) <= 9
    ahead.close()


def test_the_next_urls_are_fetched_meanwhile() -> None:
    """The first picture comes only once the 7 after it were fetched."""
    others = threading.Semaphore(0)

    def before(url: str) -> None:
        if url != "0":
            others.release()
        else:
            assert all(others.acquire(timeout=30) for _ in range(7))

    items = range(50)
    got = fetch_ahead(items, lambda n: [str(n)], Script(before), workers=2, ahead=8)
    assert [(n, results) for n, results in got] == [(n, (str(n).encode(),)) for n in items]


def test_an_item_with_more_urls_than_the_limit_goes_alone() -> None:
    urls = [str(n) for n in range(20)]
    got = list(fetch_ahead(["a", "b"], lambda item: urls, Script(), workers=2, ahead=4))
    assert got == [(item, tuple(url.encode() for url in urls)) for item in "ab"]


def test_no_more_workers_than_asked_for() -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def before(url: str) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.002)
        with lock:
            at_once -= 1

    list(fetch_ahead(range(60), lambda n: [str(n)], Script(before), workers=3))
    assert 1 < most <= 3
    with pytest.raises(ValueError, match="one worker"):
        next(fetch_ahead([1], lambda n: ["x"], Script(), workers=0))


def test_closing_early_waits_for_no_fetch_and_begins_none() -> None:
    queued, gate = threading.Event(), threading.Event()

    def before(url: str) -> None:
        assert (queued if url == "0" else gate).wait(30)

    def items() -> Iterator[int]:
        for n in itertools.count():
            if n == 6:
                queued.set()
            yield n

    script = Script(before)
    earlier = set(fetching_threads())
    ahead = fetch_ahead(items(), lambda n: [str(n)], script, workers=2, ahead=10)
    assert next(ahead) == (0, (b"0",))
    threads = set(fetching_threads()) - earlier
    assert len(threads) == 2
    ahead.close()  # while 1 and perhaps 2 hang, and 3, 4 and 5 wait
    gate.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert set(script.begun) <= {"0", "1", "2"}


def test_an_interrupt_waits_for_no_fetch() -> None:
    begun, gate = threading.Event(), threading.Event()

    def before(url: str) -> None:
        begun.set()
        assert gate.wait(30)

    def items() -> Iterator[int]:
        yield 0
        assert begun.wait(30)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(fetch_ahead(items(), lambda n: [str(n)], Script(before), workers=2))
    gate.set()


def test_an_error_that_is_no_sources_stops_the_items() -> None:
    def before(url: str) -> None:
        if url == "3":
            raise ZeroDivisionError

    ahead = fetch_ahead(range(10), lambda n: [str(n)], Script(before), workers=2)
    assert [next(ahead)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        next(ahead)


def test_a_catalog_is_fetched_from_a_real_site(site: Site, fetcher: Fetcher) -> None:
    site.pages.update({f"/{n}": answer(b"%d" % n) for n in range(0, 60, 2)})
    site.pages.update({f"/{n}": answer(b"gone", status=404) for n in range(1, 60, 2)})
    got = fetch_ahead(range(60), lambda n: [site.url(f"/{n}")], fetcher, workers=8)
    for n, (item, (result,)) in enumerate(got):
        assert item == n
        if n % 2:
            assert isinstance(result, SourceError)
            assert (result.reason, result.__traceback__) == ("url_bad_status", None)
        else:
            assert result == b"%d" % n
