"""Manners of fetching: rates, busy hosts, headers for their own host alone, and a proxy."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from indexer.errors import BuildError, SourceError
from indexer.image_loading.fetching import AddressPolicy, Fetcher, FetchManners, HostManners
from indexer.image_loading.fetching.manners import Pace, read_manners, wait_asked_for


class Site(ThreadingHTTPServer):
    """Answers with `answers` by path, one after the other, the last one again and again."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, dict[str, str]]]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, dict(self.headers)))
                waiting = site.answers.get(self.path, [(200, {})])
                status, headers = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                body = self.path.encode() if status == 200 else b""
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_address[1]}{path}"


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Slept(list[float]):
    """A clock that sleeping moves on."""

    now = 100.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.append(round(seconds, 3))
        self.now += seconds


def fetcher(manners: FetchManners, slept: Slept | None = None) -> Fetcher:
    slept = Slept() if slept is None else slept
    pace = Pace(manners, slept.clock, slept.sleep)
    resolve = lambda host, port: ["127.0.0.1"]  # noqa: E731 - every name is this machine
    return Fetcher(policy=AddressPolicy.ANY, resolve=resolve, manners=manners, pace=pace)


def test_requests_to_a_host_begin_one_after_another() -> None:
    slept = Slept()
    manners = FetchManners({"slow.example": HostManners(per_second=2)}, per_second=10)
    pace = Pace(manners, slept.clock, slept.sleep)
    for host in ("a.example", "slow.example", "a.example", "slow.example", "slow.example"):
        pace.wait(host)
    assert slept == [0.1, 0.4, 0.5]
    free = Pace(FetchManners(), slept.clock, slept.sleep)
    free.wait("a.example")
    free.wait("a.example")
    assert len(slept) == 3


def test_a_busy_host_is_left_alone_as_long_as_it_asks_for(site: Site) -> None:
    site.answers["/a"] = [(503, {"Retry-After": "7"}), (429, {}), (200, {})]
    slept = Slept()
    with fetcher(FetchManners(), slept) as fetching:
        assert fetching.fetch(site.url("/a")) == b"/a"
        assert slept == [7, 1]
        assert [path for path, _ in site.asked] == ["/a"] * 3


def test_a_host_that_stays_busy_or_asks_for_too_long_is_given_up(site: Site) -> None:
    site.answers["/busy"] = [(503, {"Retry-After": "1"})]
    site.answers["/hour"] = [(429, {"Retry-After": "3600"})]
    with fetcher(FetchManners()) as fetching:
        for path, times in (("/busy", 4), ("/hour", 1)):
            site.asked.clear()
            with pytest.raises(SourceError, match="answers with status") as caught:
                fetching.fetch(site.url(path))
            assert caught.value.reason == "url_bad_status"
            assert len(site.asked) == times


def test_a_host_that_is_down_does_not_hold_up_each_of_its_urls(site: Site) -> None:
    for number in range(9):
        site.answers[f"/{number}"] = [(503, {})]
    slept = Slept()
    with fetcher(FetchManners(), slept) as fetching:
        for number in range(8):
            with pytest.raises(SourceError):
                fetching.fetch(site.url(f"/{number}"))
        assert len(slept) == 5 * 3
        site.answers["/8"] = [(200, {})]
        fetching.fetch(site.url("/8"))
        with pytest.raises(SourceError):
            fetching.fetch(site.url("/0"))
        assert len(slept) == 6 * 3


def test_a_service_asks_once(site: Site) -> None:
    site.answers["/a"] = [(503, {"Retry-After": "1"})]
    with (
        Fetcher(policy=AddressPolicy.ANY) as fetching,
        pytest.raises(SourceError, match="status 503"),
    ):
        fetching.fetch(site.url("/a"))
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        (b"5", 5, 5),
        (b" 0 ", 0, 0),
        (b"", 1, 1),
        (b"soon", 1, 1),
        (b"99999999999999", 10**8, 10**9),
    ],
)
def test_retry_after_in_seconds(header: bytes, least: float, most: float) -> None:
    assert least <= wait_asked_for(header) <= most


def test_retry_after_as_a_date() -> None:
    now = datetime.now(UTC)
    later, before = (format_datetime(now + timedelta(hours=hours)).encode() for hours in (2, -2))
    assert 0 < wait_asked_for(later) <= 7200
    assert wait_asked_for(before) == 0


def test_headers_go_to_their_own_host_alone(site: Site) -> None:
    site.answers["/away"] = [(302, {"Location": site.url("/there", "other.example")})]
    manners = FetchManners({"shop.example": HostManners(((b"X-Api-Key", b"secret"),))})
    with fetcher(manners) as fetching:
        fetching.fetch(site.url("/away", "shop.example"))
    assert [headers.get("X-Api-Key") for _, headers in site.asked] == ["secret", None]
    assert "secret" not in repr(manners)


def test_a_proxy_gets_all_requests_and_its_own_password(site: Site) -> None:
    proxy = site.url("", "me:pass@127.0.0.1")
    with fetcher(FetchManners(proxy=proxy)) as fetching:
        assert fetching.fetch("http://cdn.shop.example/a.jpg") == b"http://cdn.shop.example/a.jpg"
    ((path, headers),) = site.asked
    assert path == "http://cdn.shop.example/a.jpg"
    assert headers["Proxy-Authorization"] == f"Basic {base64.b64encode(b'me:pass').decode()}"


@pytest.mark.parametrize("url", ["http://10.0.0.1/a", "http://[::1]/a", "http://printer/a"])
def test_a_proxy_is_not_asked_for_inner_addresses(site: Site, url: str) -> None:
    manners = FetchManners(proxy=site.url(""))
    with Fetcher(manners=manners) as fetching, pytest.raises(SourceError) as caught:
        fetching.fetch(url)
    assert caught.value.reason == "url_not_allowed"
    assert site.asked == []


def read(tmp_path: Path, text: str) -> FetchManners:
    path = tmp_path / "fetch.toml"
    path.write_text(text)
    return read_manners(path)


def test_a_settings_file(tmp_path: Path) -> None:
    manners = read(
        tmp_path,
        """
        proxy = "http://proxy.example:3128"
        requests_per_second = 10
        [hosts."CDN.shop.example"]
        user = "reader"
        password = "secret"
        requests_per_second = 0.5
        [hosts."b.example"]
        headers = { X-Api-Key = "k" }
        """,
    )
    assert (manners.proxy, manners.per_second) == ("http://proxy.example:3128", 10)
    basic = b"Basic " + base64.b64encode(b"reader:secret")
    assert manners.of("cdn.shop.example") == HostManners(((b"Authorization", basic),), 0.5)
    assert manners.of("b.example").headers == ((b"X-Api-Key", b"k"),)
    assert manners.of("c.example") == HostManners()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("proxy = ", "not valid TOML"),
        ("proxy = 'ftp://x'", "proxy is not an http"),
        ("requests_per_second = 0", "not a number above 0"),
        ("prox = 'x'", "unknown name 'prox'"),
        ("hosts = 3", "hosts is not a table"),
        ("[hosts.'a b']", "not the name of a host"),
        ("[hosts.'a.example']\nuser = 'secret'", "user without a password"),
        ("[hosts.'a.example']\nheaders = { Host = 'secret' }", "can't have the header 'Host'"),
        ("[hosts.'a.example']\nheaders = { 'a b' = 'secret' }", "can't have the header"),
        ('[hosts."a.example"]\nheaders = { X = "secret\\r\\nY: 1" }', "not a line of text"),
        ("[hosts.'a.example']\nheaders = { X = 1 }", "not a line of text"),
        ("[hosts.'a.example']\nkey = 'secret'", "unknown name 'key'"),
    ],
)
def test_a_settings_file_that_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BuildError, match=message) as caught:
        read(tmp_path, text)
    assert "secret" not in str(caught.value)
    with pytest.raises(BuildError, match="can't be read"):
        read_manners(tmp_path / "none.toml")
