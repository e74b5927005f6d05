"""Query images by URL: off unless allowed, and then only within the limits."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.search import Engine
from search_api.service import read_settings
from search_api.service.app import create_app
from search_api.service.errors import ServeError
from search_api.service.settings import Settings
from tests.support.processes import PATIENCE
from tests.support.service_helpers import BLUE, RED, error_of, ids, image_file

HOSTILE = [
    "http://127.0.0.1/", "http://127.1/", "http://0x7f000001/", "http://2130706433/",
    "http://0177.0.0.1/", "http://localhost/", "http://LOCALHOST./", "http://[::1]/",
    "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://10.0.0.1/",
    "http://172.16.0.1/", "http://192.168.1.1/", "http://100.64.0.1/", "http://169.254.169.254/",
    "http://metadata.google.internal/", "http://[fd00::1]/", "http://[fe80::1]/", "http://0.0.0.0/",
    "http://user:secret@example.com/", "file:///etc/passwd", "ftp://example.com/a.jpg",
    "data:image/png;base64,AAAA", "gopher://example.com/", "//example.com/a.jpg", "http://",
]  # fmt: skip


SLOW = threading.Event()
"""Until it is set, `/slow` does not answer."""


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        pages: dict[str, Any] = {
            "/red.png": (200, {}, image_file(RED)),
            "/blue.png": (200, {}, image_file(BLUE)),
            "/text": (200, {}, b"no picture"),
            "/gone": (404, {}, b""),
            "/large": (200, {"Content-Length": str(2**30)}, b"x"),
            "/bomb": (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(2**23))),
            "/away": (302, {"Location": "file:///etc/passwd"}, b""),
        }
        if self.path == "/slow":
            SLOW.wait(PATIENCE)
        status, headers, body = pages.get(self.path, (200, {}, image_file(RED)))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of a server with good and bad images."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    SLOW.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def fetching(colour_engine: Engine) -> Iterator[TestClient]:
    """A service that fetches from private networks too; no test waits for its time limit."""
    settings = Settings(
        allow_url_fetch=True, private_urls=True, url_seconds=PATIENCE, max_image_bytes=2**20
    )
    with TestClient(create_app(colour_engine, settings), raise_server_exceptions=False) as client:
        yield client


def search(client: TestClient, **query: object) -> Any:
    return client.post("/v1/search", json=query)


def test_a_url_is_equivalent_to_the_file(fetching: TestClient, site: str) -> None:
    by_url = search(fetching, image_url=f"{site}/red.png")
    by_file = fetching.post("/v1/search", files={"image": image_file(RED)})
    assert by_url.json()["hits"] == by_file.json()["hits"]
    part = search(fetching, parts=[{"image_url": f"{site}/blue.png", "weight": 0.5}], k=1)
    assert ids(part) == ["blue"]
    labels = ["red", "blue"]
    body = {"image_url": f"{site}/blue.png", "labels": labels}
    assert fetching.post("/v1/tags", json=body).json()["tags"][0]["label"] == "blue"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/text", (415, "unsupported_image")),
        ("/gone", (422, "url_unreachable")),
        ("/large", (413, "payload_too_large")),
        ("/bomb", (413, "payload_too_large")),
        ("/away", (400, "url_not_allowed")),
    ],
)
def test_a_bad_source_gets_a_clear_answer(
    fetching: TestClient, site: str, path: str, error: tuple[int, str]
) -> None:
    assert error_of(search(fetching, image_url=site + path)) == error


def test_a_dead_server_is_unreachable(fetching: TestClient) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a.png"
        assert error_of(search(fetching, image_url=url)) == (422, "url_unreachable")


def test_a_slow_source_is_a_timeout(colour_engine: Engine, site: str) -> None:
    settings = Settings(allow_url_fetch=True, private_urls=True, url_seconds=0.1)
    client = TestClient(create_app(colour_engine, settings), raise_server_exceptions=False)
    assert error_of(search(client, image_url=f"{site}/slow")) == (504, "url_timeout")


def test_slow_sources_delay_no_other_query(fetching: TestClient, site: str) -> None:
    """More slow fetches than there are threads for fetches."""
    SLOW.clear()
    with ThreadPoolExecutor(20) as pool:
        slow = [pool.submit(search, fetching, image_url=f"{site}/slow", k=1) for _ in range(20)]
        assert ids(search(fetching, text="red", k=1)) == ["red"]
        assert not any(each.done() for each in slow)
        SLOW.set()
        assert [ids(each.result()) for each in slow] == [["red"]] * 20
    SLOW.clear()


@pytest.fixture(scope="module")
def public(colour_engine: Engine) -> TestClient:
    """A service that fetches from public hosts alone."""
    return TestClient(create_app(colour_engine, Settings(allow_url_fetch=True)))


@pytest.mark.parametrize("url", HOSTILE)
def test_no_packet_goes_to_private_hosts(
    public: TestClient, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    dialled: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: dialled.append(address))
    for query in ({"image_url": url}, {"parts": [{"image_url": url}]}):
        assert error_of(search(public, **query)) == (400, "url_not_allowed")
    assert dialled == []


def test_only_listed_hosts_are_fetched_from(colour_engine: Engine, site: str) -> None:
    settings = Settings(url_hosts=("shop.example",), private_urls=True)
    client = TestClient(create_app(colour_engine, settings))
    answer = search(client, image_url=f"{site}/red.png")
    assert error_of(answer) == (400, "url_not_allowed")
    listed = Settings(url_hosts=("127.0.0.1",), private_urls=True)
    client = TestClient(create_app(colour_engine, listed))
    assert ids(search(client, image_url=f"{site}/red.png", k=1)) == ["red"]


@pytest.mark.parametrize("host", ["http://shop.example/", "a b", "shop.example:80", "127.1"])
def test_an_invalid_host_is_named(host: str) -> None:
    with pytest.raises(ServeError) as raised:
        read_settings(url_hosts=(host,))
    assert raised.value.message.startswith("LOOKALIKE_URL_HOSTS: ")
    assert host in raised.value.message


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_THREADS", "0")
    with pytest.raises(ServeError, match=r"^LOOKALIKE_THREADS: .* greater than 0"):
        read_settings()


def test_hosts_in_the_environment_are_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOOKALIKE_URL_HOSTS", "a.example, b.example,")
    assert Settings().url_hosts == ("a.example", "b.example")
    assert Settings().fetches_urls
    monkeypatch.delenv("LOOKALIKE_URL_HOSTS")
    assert not Settings().fetches_urls
