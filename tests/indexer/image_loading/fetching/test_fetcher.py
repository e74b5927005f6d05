"""Fetching one image: good servers, and servers that break the protocol."""

from __future__ import annotations

import gzip
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from indexer.image_loading.fetching import AddressPolicy, Fetcher
from tests.indexer.image_loading.fetching.site import (
    CHUNKED,
    IMAGE,
    SMALL,
    Page,
    Site,
    Visit,
    moved,
    refused,
    response,
)
from tests.support.waiting import until


def test_an_image_is_returned_unchanged_and_the_request_is_plain(
    site: Site, fetcher: Fetcher
) -> None:
    assert fetcher.fetch(site.url("/a.jpg")) == IMAGE
    (head,) = site.heads
    assert head.splitlines() == [
        "GET /a.jpg HTTP/1.1",
        f"Host: 127.0.0.1:{site.port}",
        "User-Agent: lookalike",
        "Accept: image/*, */*;q=0.5",
        "Accept-Encoding: identity",
    ]


def test_connections_are_kept_and_cookies_are_not(site: Site, fetcher: Fetcher) -> None:
    site.pages["/a.jpg"] = response(IMAGE, "Set-Cookie: id=1; Path=/")
    assert [fetcher.fetch(site.url()) for _ in range(5)] == [IMAGE] * 5
    assert site.connections < 5
    assert not any("cookie" in head.lower() for head in site.heads)


def test_a_kept_connection_that_died_is_replaced(site: Site, fetcher: Fetcher) -> None:
    def once_each(visit: Visit) -> None:
        """Answer the first request of a connection and hang up on the second."""
        visit.wfile.write(response(IMAGE))
        visit.rfile.readline()

    site.pages["/a.jpg"] = once_each
    for _ in range(3):
        assert fetcher.fetch(site.url()) == IMAGE


def test_the_rest_of_a_wrong_response_is_not_the_next_one(site: Site, fetcher: Fetcher) -> None:
    site.pages["/short.jpg"] = response(IMAGE) + b"more than was announced"
    assert fetcher.fetch(site.url("/short.jpg")) == IMAGE
    assert fetcher.fetch(site.url("/a.jpg")) == IMAGE


def test_bodies_without_length_and_in_chunks_are_read(site: Site, fetcher: Fetcher) -> None:
    site.pages["/old.jpg"] = lambda visit: (
        visit.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + IMAGE) and None
    )
    site.pages["/chunks.jpg"] = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"
    )
    assert fetcher.fetch(site.url("/old.jpg")) == IMAGE
    assert fetcher.fetch(site.url("/chunks.jpg")) == b"abcdefg"


def test_proxies_of_the_environment_are_not_used(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    with Fetcher(SMALL, AddressPolicy.ANY) as fetcher:
        assert fetcher.fetch(site.url()) == IMAGE


def test_many_threads_get_each_their_own_image(site: Site) -> None:
    bodies = {f"/{n}": bytes([n]) * (1000 + n) for n in range(100)}
    site.pages.update({path: response(body) for path, body in bodies.items()})
    with Fetcher(policy=AddressPolicy.ANY) as fetcher, ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda path: fetcher.fetch(site.url(path)), bodies))
    assert got == list(bodies.values())


@pytest.mark.parametrize("status", [201, 204, 206, 300, 302, 304, 401, 403, 404, 410, 500, 503])
def test_only_status_200_is_an_image(site: Site, fetcher: Fetcher, status: int) -> None:
    site.pages["/x"] = response(b"" if status in (204, 304) else IMAGE, status=status)
    error = refused(fetcher, site.url("/x?token=secret"))
    assert error.reason == "url_bad_status"
    assert str(status) in error.message
    assert "secret" not in error.message


@pytest.mark.parametrize(
    "page",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\ncut short",
        CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"9\r\ncut",
        b"SSH-2.0-x Connection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
        response(IMAGE, "Content-Encoding: br"),
        response(IMAGE, "Content-Encoding: gzip"),
        response(gzip.compress(IMAGE), "Content-Encoding: gzip", "Content-Encoding: gzip"),
        response(gzip.compress(IMAGE)[:-1], "Content-Encoding: gzip"),
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


def test_failed_fetches_leave_no_descriptor_open(site: Site, network: list[str]) -> None:
    site.pages["/gone"] = response(b"", "Connection: close", status=404)
    site.pages["/large"] = response(bytes(200_000), "Connection: close")
    site.pages["/cut"] = lambda visit: None
    site.pages["/loop"] = moved("/loop")
    with Fetcher(SMALL, AddressPolicy.ANY) as fetcher:
        before = _open_descriptors()
        for path in ("/gone", "/large", "/cut", "/loop") * 5:
            refused(fetcher, site.url(path))
            refused(fetcher, site.url(path, scheme="https"))
        site.wait_until_closed(sum(event.startswith("socket.connect") for event in network))
        until(lambda: _open_descriptors() <= before)


def test_a_closed_fetcher_fetches_no_more(site: Site) -> None:
    fetcher = Fetcher(SMALL, AddressPolicy.ANY)
    fetcher.close()
    with pytest.raises(RuntimeError, match="closed"):
        fetcher.fetch(site.url())
    assert site.connections == 0
