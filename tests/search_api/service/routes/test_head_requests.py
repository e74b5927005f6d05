"""HEAD on every route that has GET, and the methods that a refusal of another one lists."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient

from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.settings import Settings
from tests.support.processes import PATIENCE, Server

PATHS = [
    "/",
    "/docs",
    "/docs/assets/swagger-ui.css",
    "/openapi.json",
    "/static/favicon.svg",
    "/healthz",
    "/readyz",
    "/metrics",
    "/v1/index",
    "/v1/search?q=red",
    "/v1/suggest?q=re",
    "/v1/items/red",
    "/v1/items/red/similar",
    "/v1/items/red/image/0",
    "/v1/items/red/heatmap?q=red",
]
# Headers that differ from one answer to the next.
VARYING = {"x-request-id", "date", "content-length"}


@pytest.mark.parametrize("path", PATHS)
def test_head_answers_as_get_without_a_body(client: TestClient, path: str) -> None:
    got, asked = client.get(path), client.head(path)
    assert asked.status_code == got.status_code == 200
    assert asked.content == b""
    assert got.content
    # The length of an answer with a time in it may differ by some digits.
    assert int(asked.headers["content-length"]) > 0
    same = [{k: v for k, v in one.headers.items() if k not in VARYING} for one in (got, asked)]
    assert same[0] == same[1]


@pytest.mark.parametrize("path", ["/v1/items/violet", "/v1/search?k=x", "/nothing", "/v1/tags"])
def test_head_of_a_refusal(client: TestClient, path: str) -> None:
    got, asked = client.get(path), client.head(path)
    assert asked.status_code == got.status_code >= 400
    assert asked.content == b""
    assert asked.headers["content-length"] == got.headers["content-length"]


def test_every_path_that_has_get_has_head(client: TestClient) -> None:
    documented = client.get("/openapi.json").json()["paths"]
    assert not [path for path, methods in documented.items() if "head" in methods]
    methods: dict[str, set[str]] = {}
    for route in client.app.routes:  # type: ignore[attr-defined]
        methods.setdefault(route.path, set()).update(getattr(route, "methods", None) or ())
    assert {path for path, known in methods.items() if "GET" in known}
    assert not [path for path, known in methods.items() if "GET" in known and "HEAD" not in known]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/search", "GET, HEAD, POST"),
        ("/v1/tags", "POST"),
        ("/v1/search/batch", "POST"),
        ("/v1/items/red/heatmap", "GET, HEAD, POST"),
        ("/v1/items/red", "GET, HEAD"),
        ("/v1/items/red/image/0", "GET, HEAD"),
        ("/", "GET, HEAD"),
        ("/docs", "GET, HEAD"),
        ("/openapi.json", "GET, HEAD"),
        ("/static/favicon.svg", "GET, HEAD"),
    ],
)
def test_a_refused_method_lists_all_methods_of_the_path(
    client: TestClient, path: str, allowed: str
) -> None:
    for method in ("DELETE", "PUT", "PATCH", "OPTIONS", "TRACE"):
        answer = client.request(method, path)
        assert answer.status_code == 405
        assert answer.headers["allow"] == allowed
        for each in allowed.split(", "):
            assert client.request(each, path).status_code != 405


def test_keys_and_rate_limits_are_those_of_get(colour_engine: Engine) -> None:
    settings = Settings(api_keys="shop:0123456789abcdef", rate_limit=0.001, rate_burst=2)
    client = TestClient(create_app(colour_engine, settings))
    assert client.head("/v1/index").status_code == 401
    assert client.head("/healthz").status_code == 200
    key = {"x-api-key": "0123456789abcdef"}
    asked = [client.head("/v1/index", headers=key).status_code for _ in range(3)]
    assert asked == [200, 200, 429]


def test_connections_stay_in_step(fake_server: Server) -> None:
    """A body after the headers of HEAD would be read as the next answer."""
    address = urlsplit(fake_server.url)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as peer:
        for path in ("/healthz", "/v1/items/red/image/0", "/nothing"):
            peer.sendall(f"HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            received = b""
            while b"\r\n\r\n" not in received:
                received += peer.recv(65_536)
            assert received.startswith(b"HTTP/1.1 404" if path == "/nothing" else b"HTTP/1.1 200")
            assert received.endswith(b"\r\n\r\n")
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: peer.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b'"status":"ok"}')
