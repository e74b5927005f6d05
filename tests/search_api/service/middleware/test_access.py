"""Keys, rate limits, CORS and security headers over the whole service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.errors import ServeError
from search_api.service.middleware import access
from search_api.service.settings import Settings
from tests.support.service_helpers import error_of, ids

SHOP, PHONE = "shop-0123456789abcdef", "phone-0123456789abcdef"
KEYS = f"shop:{SHOP},phone:{PHONE}"
OPEN = {"/", "/healthz", "/readyz", "/docs"}
PROTECTED = {"/v1/search", "/v1/tags", "/v1/index", "/v1/recommend", "/metrics"}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def service(engine: Engine, **settings: Any) -> TestClient:
    return TestClient(create_app(engine, Settings(**settings)), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def guarded(colour_engine: Engine) -> Iterator[TestClient]:
    with service(colour_engine, api_keys=KEYS) as client:
        yield client


def test_a_valid_key(guarded: TestClient) -> None:
    for headers in (bearer(SHOP), {"X-API-Key": PHONE}, {"Cookie": f"lookalike_key={SHOP}"}):
        assert ids(guarded.get("/v1/search?q=red&k=1", headers=headers)) == ["red"]
        assert "lookalike_products 5.0" in guarded.get("/metrics", headers=headers).text


WRONG: dict[str, dict[str, str] | dict[bytes, bytes]] = {
    "missing": {},
    "wrong": bearer("wrong-0123456789abcdef"),
    "nearly": bearer(SHOP[:-1]),
    "longer": bearer(SHOP + "0"),
    "name": bearer("shop"),
    "with name": {"X-API-Key": f"shop:{SHOP}"},
    "basic": {"Authorization": f"Basic {SHOP}"},
    "no scheme": {"Authorization": SHOP},
    "empty": {"X-API-Key": ""},
    "non-ASCII": {b"X-API-Key": "schlüssel-0123456789".encode()},
    "non-UTF-8": {b"Authorization": b"Bearer \xff\xfe\x80"},
    "over-long": bearer("k" * 50_000),
    "cookie": {"Cookie": "lookalike_key=wrong"},
}


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("path", ["/v1/index", "/v1/items/red/image/0", "/nowhere", "/metrics"])
def test_every_wrong_key_gets_the_same_answer(guarded: TestClient, path: str, headers: Any) -> None:
    missing, answer = guarded.get(path), guarded.get(path, headers=headers)
    assert error_of(answer) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    varying = ("x-request-id",)
    seen = [
        {n: v for n, v in each.headers.items() if n not in varying} for each in (missing, answer)
    ]
    assert seen[0] == seen[1]
    bodies = [each.json() | {"request_id": ""} for each in (missing, answer)]
    assert bodies[0] == bodies[1]


@pytest.mark.case(42)
def test_who_guesses_keys_waits_and_others_do_not(
    colour_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(access, "sleep", sleep)
    monkeypatch.setattr(access, "_GUESSES_AT_ONCE", 3.0)
    monkeypatch.setattr(access, "_GUESSES_A_SECOND", 0.01)
    app = create_app(colour_engine, Settings(api_keys=KEYS))
    with TestClient(app, client=("192.0.2.1", 1)) as guesser:
        other = TestClient(app, client=("192.0.2.2", 1))
        for number in range(6):
            answer = guesser.get("/v1/index", headers=bearer(f"guess-{number}-0123456789"))
            assert error_of(answer) == (401, "unauthorized")
        assert len(waits) == 3
        assert all(wait == access._LONGEST_WAIT for wait in waits)
        assert guesser.get("/v1/index").status_code == 401  # without a key is no guess
        assert guesser.get("/v1/index", headers=bearer(SHOP)).status_code == 200
        assert other.get("/v1/index", headers=bearer("wrong-0123456789abc")).status_code == 401
        assert len(waits) == 3


def test_answers_to_keys_are_private(guarded: TestClient, client: TestClient) -> None:
    for path in ("/v1/index", "/v1/search?q=red", "/v1/items/none", "/v1/items/red/image/0"):
        kept = guarded.get(path, headers=bearer(SHOP)).headers["cache-control"]
        assert "private" in kept
    assert kept == "private, max-age=300"
    assert client.get("/v1/items/red/image/0").headers["cache-control"] == "max-age=300"
    assert "private" not in guarded.get("/healthz").headers.get("cache-control", "")


def test_all_but_a_few_routes_need_a_key(guarded: TestClient) -> None:
    """A route that is added later needs a key unless it is listed here."""
    app: Any = guarded.app
    paths = {route.path for route in app.routes if isinstance(route, APIRoute)}
    assert paths >= PROTECTED
    for path in paths - OPEN:
        filled = path.replace("{product_id:product_id}", "red").replace(
            "{number:image_number}", "0"
        )
        assert "{" not in filled
        for method in ("GET", "POST"):
            assert error_of(guarded.request(method, filled)) == (401, "unauthorized"), path
    for path in [*OPEN, "/openapi.json", "/static/js/app.js", "/docs/assets/swagger-ui.css"]:
        answer = guarded.get(path)
        assert (answer.status_code, bool(answer.content)) == (200, True), path


@pytest.mark.parametrize(
    "path",
    ["/static/../v1/index", "/static/%2e%2e/v1/index", "//v1/index", "/docs/assets/../../v1/index",
     "/V1/index", "/healthz/", "/v1/index?x=/static/"],
)  # fmt: skip
def test_no_path_bypasses_the_keys(guarded: TestClient, path: str) -> None:
    answer = guarded.get(path, follow_redirects=False)
    assert error_of(answer) in [(401, "unauthorized"), (404, "not_found")]
    assert "products" not in answer.text


def test_a_refused_body_is_not_read(colour_engine: Engine) -> None:
    with service(colour_engine, api_keys=KEYS, max_body_bytes=1000) as client:
        answer = client.post("/v1/search", content=b"x" * 5000)
        assert error_of(answer) == (401, "unauthorized")
        answer = client.post("/v1/search", content=b"x" * 5000, headers=bearer(SHOP))
        assert error_of(answer) == (413, "payload_too_large")


def test_metrics_can_be_open(colour_engine: Engine) -> None:
    with service(colour_engine, api_keys=KEYS, open_metrics=True) as client:
        assert "lookalike_products 5.0" in client.get("/metrics").text
        assert error_of(client.get("/v1/index")) == (401, "unauthorized")


def test_wrong_keys_stop_the_start(colour_engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ServeError, match="NAME:KEY"):
        create_app(colour_engine, Settings(api_keys="short"))
    with pytest.raises(ServeError, match="can't be read"):
        create_app(colour_engine, Settings(api_keys_file=tmp_path / "none"))


def test_openapi_documents_keys_if_there_are_any(guarded: TestClient, client: TestClient) -> None:
    plain = client.get("/openapi.json").json()
    assert "securitySchemes" not in plain["components"]
    document = guarded.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert ("security" in operation) == (path not in OPEN)
            assert ("401" in operation["responses"]) == (path not in OPEN)
            assert "429" not in operation["responses"]


def test_a_flooding_key_is_refused_alone(colour_engine: Engine) -> None:
    with service(colour_engine, api_keys=KEYS, rate_limit=0.001, rate_burst=5) as client:
        answers = [client.get("/v1/index", headers=bearer(SHOP)) for _ in range(12)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 7
        assert error_of(answers[-1]) == (429, "rate_limited")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 1000
        assert client.get("/v1/index", headers=bearer(PHONE)).json()["products"] == 5
        # Probes and metrics are not counted, and without a key nothing of this shows.
        assert client.get("/healthz", headers=bearer(SHOP)).json() == {"status": "ok"}
        assert "lookalike_products 5.0" in client.get("/metrics", headers=bearer(SHOP)).text
        assert error_of(client.get("/v1/index")) == (401, "unauthorized")
        operation = client.get("/openapi.json").json()["paths"]["/v1/index"]["get"]
        assert "429" in operation["responses"]


def test_without_keys_addresses_are_counted(colour_engine: Engine) -> None:
    app = create_app(colour_engine, Settings(rate_limit=0.001, rate_burst=2))
    with TestClient(app, client=("192.0.2.1", 1)) as one:
        other = TestClient(app, client=("192.0.2.2", 1))
        assert [one.get("/v1/index").status_code for _ in range(3)] == [200, 200, 429]
        assert other.get("/v1/index").json()["products"] == 5


def test_a_page_of_thumbnails_counts_for_a_few_searches(colour_engine: Engine) -> None:
    with service(colour_engine, rate_limit=0.001, rate_burst=5) as client:
        images = {client.get("/v1/items/red/image/0").content[8:12] for _ in range(24)}
        assert images == {b"WEBP"}
        assert client.get("/v1/index").json()["products"] == 5


class TestCors:
    origin = "https://shop.example"

    @pytest.fixture
    def crossing(self, colour_engine: Engine) -> Iterator[TestClient]:
        origins = f"{self.origin}, https://other.example"
        with service(colour_engine, api_keys=KEYS, cors_origins=origins) as client:
            yield client

    def test_a_preflight_needs_no_key(self, crossing: TestClient) -> None:
        asked = {
            "Origin": self.origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        answer = crossing.options("/v1/search", headers=asked)
        assert (answer.status_code, answer.text) == (200, "OK")
        assert answer.headers["access-control-allow-origin"] == self.origin
        assert "access-control-allow-credentials" not in answer.headers
        refused = crossing.options("/v1/search", headers=asked | {"Origin": "https://evil.example"})
        assert (refused.status_code, refused.text) == (400, "Disallowed CORS origin")
        assert "access-control-allow-origin" not in refused.headers

    @pytest.mark.parametrize(
        ("path", "key", "status"),
        [("/v1/index", SHOP, 200), ("/v1/index", "", 401), ("/v1/items/none", SHOP, 404)],
    )
    def test_answers_and_refusals_can_be_read(
        self, crossing: TestClient, path: str, key: str, status: int
    ) -> None:
        answer = crossing.get(path, headers={"Origin": self.origin, **bearer(key)})
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == self.origin
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        elsewhere = crossing.get(path, headers={"Origin": "https://evil.example", **bearer(key)})
        assert "access-control-allow-origin" not in elsewhere.headers

    def test_it_is_off_by_default(self, client: TestClient) -> None:
        answer = client.get("/v1/index", headers={"Origin": self.origin})
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_security_headers_on_every_answer(
    colour_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the status: 200, 304, 401, 404, 405, 413, 415, 422, 429, 500."""

    def broken(*args: Any) -> Any:
        raise RuntimeError("a secret")

    with service(
        colour_engine, api_keys=KEYS, rate_limit=0.001, rate_burst=9, max_body_bytes=2000
    ) as client:
        door = bearer(SHOP)
        etag = client.get("/static/js/app.js").headers["etag"]
        picture = {"image": ("a.png", b"no picture")}
        answers = [
            client.get("/"),
            client.get("/docs"),
            client.get("/static/js/app.js", headers={"If-None-Match": etag}),
            client.get("/v1/index"),
            client.get("/v1/index", headers=door),
            client.get("/v1/none", headers=door),
            client.delete("/v1/index", headers=door),
            client.post("/v1/search", headers=door, content=b"x" * 3000),
            client.post("/v1/search", headers=door, files=picture),
            client.post("/v1/search", headers=door, json={"k": 0}),
        ]
        monkeypatch.setattr("search_api.service.schemas.service.IndexResponse.of", broken)
        answers.append(client.get("/v1/index", headers=door))
        answers += [client.get("/v1/search", headers=door) for _ in range(9)]
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 304, 401, 404, 405, 413, 415, 422, 429, 500}
    for answer in answers:
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-request-id"]
        assert "secret" not in answer.text
