"""Limits of time and size hold against servers that are slow, endless or hostile."""

from __future__ import annotations

import gzip
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Sequence

import pytest

from indexer.image_loading.fetching import AddressPolicy, Fetcher, FetchLimits
from tests.indexer.image_loading.fetching.site import (
    CHUNKED,
    GZIP,
    IMAGE,
    PLAIN,
    SMALL,
    ManualClock,
    Page,
    Site,
    Visit,
    flood,
    refused,
    response,
    wait_for_hang_up,
)


def announced(visit: Visit) -> None:
    visit.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n")
    wait_for_hang_up(visit)


def drip(start: bytes, drop: bytes = b"x") -> Callable[[ManualClock], Page]:
    """Write two drops, between which the time of the fetch runs out."""

    def of_clock(clock: ManualClock) -> Page:
        def page(visit: Visit) -> None:
            visit.wfile.write(start + drop)
            clock.advance(SMALL.total_seconds)
            visit.wfile.write(drop)
            wait_for_hang_up(visit)

        return page

    return of_clock


@pytest.mark.parametrize(
    "page_of",
    [
        drip(b"HTTP/1.1 200 OK\r\nX: "),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n"),
        drip(PLAIN),
        drip(CHUNKED, b"1\r\nx\r\n"),
        drip(b"", b"HTTP/1.1 102 Wait\r\n\r\n"),
        drip(b"", b"HTTP/1.1 102 Wait\r\n\r\n" * 10_000),
    ],
    ids=["header", "body", "endless-body", "chunks", "interim", "interim-flood"],
)
def test_a_slow_server_is_given_up_at_the_deadline(
    site: Site, page_of: Callable[[ManualClock], Page]
) -> None:
    clock = ManualClock()
    site.pages["/slow"] = page_of(clock)
    with Fetcher(SMALL, AddressPolicy.ANY, clock=clock) as fetcher:
        assert refused(fetcher, site.url("/slow")).reason == "url_timeout"


def test_a_silent_server_is_given_up_at_the_deadline(site: Site) -> None:
    site.pages["/silent"] = wait_for_hang_up
    with Fetcher(FetchLimits(total_seconds=0.2), AddressPolicy.ANY) as fetcher:
        assert refused(fetcher, site.url("/silent")).reason == "url_timeout"


def test_a_tls_handshake_that_never_ends_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # connects, and says nothing
        limits = FetchLimits(connect_seconds=0.2, total_seconds=60)
        with Fetcher(limits, AddressPolicy.ANY) as fetcher:
            port = listener.getsockname()[1]
            assert refused(fetcher, f"https://127.0.0.1:{port}/").reason == "url_timeout"


def test_a_name_server_that_hangs_is_given_up() -> None:
    over = threading.Event()

    def hang(host: str, port: int) -> Sequence[str]:
        over.wait(60)
        return ["127.0.0.1"]

    limits = FetchLimits(total_seconds=0.2)
    with Fetcher(limits, AddressPolicy.ANY, resolve=hang) as fetcher:
        assert refused(fetcher, "http://shop.example/").reason == "url_timeout"
    over.set()


@pytest.mark.parametrize(
    "page",
    [
        flood(PLAIN, b"x" * 10_000),
        flood(CHUNKED, b"2000\r\n" + b"x" * 0x2000 + b"\r\n"),
        announced,
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
    most = len(IMAGE)
    site.pages["/chunks"] = b"%s%x\r\n%s\r\n0\r\n\r\n" % (CHUNKED, most, IMAGE)
    site.pages["/gzip"] = response(gzip.compress(IMAGE), "Content-Encoding: gzip")
    paths = ("/a.jpg", "/chunks", "/gzip")
    with Fetcher(FetchLimits(max_bytes=most), AddressPolicy.ANY) as fetcher:
        assert [fetcher.fetch(site.url(path)) for path in paths] == [IMAGE] * 3
    with Fetcher(FetchLimits(max_bytes=most - 1), AddressPolicy.ANY) as fetcher:
        reasons = [refused(fetcher, site.url(path)).reason for path in paths]
        assert reasons == ["image_too_large"] * 3


def test_a_gzip_bomb_is_stopped_while_it_unpacks(site: Site) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(64)) + packer.flush()
    site.pages["/bomb"] = response(bomb, "Content-Encoding: gzip")
    limits = FetchLimits(max_bytes=2**20)
    with Fetcher(limits, AddressPolicy.ANY) as fetcher:
        tracemalloc.start()
        try:
            assert refused(fetcher, site.url("/bomb")).reason == "image_too_large"
            assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
        finally:
            tracemalloc.stop()


def test_gzip_is_undone_however_it_is_cut(site: Site, fetcher: Fetcher) -> None:
    packed = gzip.compress(IMAGE)
    for size in (1, 7, len(packed)):
        parts = [packed[at : at + size] for at in range(0, len(packed), size)]
        site.pages["/x"] = (
            CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: GZip\r\n\r\n")
            + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
            + b"0\r\n\r\n"
        )
        assert fetcher.fetch(site.url("/x")) == IMAGE
    site.pages["/more"] = flood(GZIP + packed, b"not gzip")
    assert fetcher.fetch(site.url("/more")) == IMAGE
