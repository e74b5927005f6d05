"""Costs of routes: every one is declared, found by the matched route, and charged by its work."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from indexer.search import Engine
from search_api.service.admission import CostClass, CostTable, RateLimiter
from search_api.service.app import create_app
from search_api.service.requests import (
    HEAT_MAP_WORK,
    TextParameters,
    work_of_parameters,
    work_of_recommendation,
    work_of_searches,
    work_of_tags,
)
from search_api.service.routes.route import Route
from search_api.service.schemas import RecommendRequest, SearchRequest, TagsRequest
from search_api.service.settings import Settings
from tests.support.clock import Clock
from tests.support.service_helpers import RED, error_of, image_file

pytestmark = pytest.mark.case(53)

# Requests that are answered, by method and path; a route that is added needs one here.
REQUESTS: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/search"): {"json": {"text": "red"}},
    ("GET", "/v1/search"): {"params": {"q": "red"}},
    ("POST", "/v1/search/batch"): {"json": {"queries": [{"text": "red"}]}},
    ("POST", "/v1/embed"): {"json": {"texts": ["red"]}},
    ("POST", "/v1/recommend"): {"json": {"liked": ["red"]}},
    ("POST", "/v1/tags"): {
        "files": {"image": image_file(RED)},
        "data": {"query": '{"labels": ["a", "b"]}'},
    },
    ("POST", "/v1/detect"): {"files": {"image": image_file(RED)}},
    ("POST", "/v1/moderate"): {"files": {"image": image_file(RED)}},
    ("POST", "/v1/read"): {"files": {"image": image_file(RED)}},
    ("GET", "/v1/items/red/heatmap"): {"params": {"q": "red"}},
    ("POST", "/v1/items/red/heatmap"): {"json": {"text": "red"}},
    ("GET", "/v1/items/red/image/0"): {},
    ("GET", "/v1/items/red/similar"): {},
    ("GET", "/v1/items/red"): {},
    ("GET", "/v1/suggest"): {"params": {"q": "re"}},
    ("GET", "/v1/index"): {},
}  # fmt: skip
WITHOUT_WORK = {"/", "/docs", "/metrics", "/healthz", "/readyz", "/v1/index"}
AT_WORK = [request for request in REQUESTS if request[1] not in WITHOUT_WORK]


def service(engine: Engine, **settings: Any) -> TestClient:
    return TestClient(create_app(engine, Settings(**settings)), raise_server_exceptions=False)


def test_a_route_without_a_cost_can_not_be_declared() -> None:
    (cost,) = [each for each in fields(Route) if each.name == "cost"]
    assert cost.type == "CostClass"
    assert (cost.default, cost.default_factory) == (MISSING, MISSING)
    assert inspect.signature(Route).parameters["cost"].default is inspect.Parameter.empty


def test_every_route_of_the_service_has_a_request_here(colour_engine: Engine) -> None:
    app = create_app(colour_engine, Settings())
    found = {
        (method, route.path.replace("{product_id:product_id}", "red").replace(
            "{number:image_number}", "0"))
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods - {"HEAD"}  # the same functions as GET's
    }  # fmt: skip
    assert {one for one in found if one[1] not in WITHOUT_WORK} == set(AT_WORK)


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_the_requests_are_answered(client: TestClient, method: str, path: str) -> None:
    assert client.request(method, path, **REQUESTS[method, path]).status_code == 200


@pytest.mark.parametrize(("method", "path"), AT_WORK)
def test_all_work_ends_at_the_deadline(colour_engine: Engine, method: str, path: str) -> None:
    with service(colour_engine) as patient:
        app: Any = patient.app
        door = _door_of(app)
        door._seconds = 1e-9
        answer = patient.request(method, path, **REQUESTS[method, path])
        assert error_of(answer) == (504, "deadline_exceeded")


@pytest.mark.parametrize(("method", "path"), AT_WORK)
def test_all_work_waits_for_a_place(colour_engine: Engine, method: str, path: str) -> None:
    """With no place and none to wait in, every route but those without work is refused."""
    with service(colour_engine) as full:
        for room in _door_of(full.app)._rooms.values():
            room.queue._free = 0
            room._waiting = room._crowded = 0
        answer = full.request(method, path, **REQUESTS[method, path])
        assert error_of(answer) == (503, "overloaded")
        assert answer.headers["retry-after"] == "1"
        for free in ("/v1/index", "/healthz", "/readyz", "/metrics", "/"):
            assert full.get(free).status_code == 200


def _door_of(app: Any) -> Any:
    middleware = next(each for each in app.user_middleware if "door" in each.kwargs)
    return middleware.kwargs["door"]


TABLE = CostTable()
for _method, _path, _cost in [
    ("GET", "/v1/items/{product_id:product_id}/heatmap", CostClass.HEAT_MAP),
    ("POST", "/v1/items/{product_id:product_id}/heatmap", CostClass.HEAT_MAP),
    ("GET", "/v1/items/{product_id:product_id}/image/{number:image_number}", CostClass.IMAGE),
    ("GET", "/v1/items/{product_id:product_id}/similar", CostClass.SEARCH),
    ("GET", "/v1/items/{product_id:product_id}", CostClass.LOOKUP),
    ("GET", "/healthz", CostClass.OPEN),
]:
    TABLE.add(_method, _path, _cost)


@pytest.mark.parametrize(
    ("method", "path", "cost"),
    [
        ("GET", "/v1/items/red/image/0", CostClass.IMAGE),
        ("HEAD", "/v1/items/red/image/0", CostClass.IMAGE),
        ("HEAD", "/v1/items/red/heatmap", CostClass.HEAT_MAP),
        ("HEAD", "/v1/items/x/image/0/similar", CostClass.SEARCH),
        ("GET", "/v1/items/a/image/b/image/0", CostClass.IMAGE),
        ("POST", "/v1/items/x/image/y/heatmap", CostClass.HEAT_MAP),
        ("GET", "/v1/items/x/image/0/heatmap", CostClass.HEAT_MAP),
        ("GET", "/v1/items/x/image/0/similar", CostClass.SEARCH),
        ("GET", "/v1/items/shoes/image/1.jpg", CostClass.LOOKUP),
        ("POST", "/v1/search/image/0", CostClass.FACT),
        ("GET", "/healthz", CostClass.OPEN),
        ("GET", "/healthz/", CostClass.FACT),
        ("GET", "/none", CostClass.FACT),
    ],
)
def test_the_matched_route_decides(method: str, path: str, cost: CostClass) -> None:
    """The case sec-rate-tenth: what merely looks like a thumbnail's path is not cheap."""
    assert TABLE.find(method, path)[0] is cost


@pytest.mark.parametrize("path", ["/v1/items/x/image/y/heatmap", "/v1/items/a/image/b/similar",
                                  "/v1/items/red/image/x", "/v1/image/0"])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_paths_that_look_like_thumbnails_are_limited(
    colour_engine: Engine, method: str, path: str
) -> None:
    with service(colour_engine, rate_limit=0.001, rate_burst=10) as client:
        statuses = [client.request(method, path).status_code for _ in range(30)]
    assert statuses.count(429) >= 20
    assert 429 not in statuses[:1]


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (work_of_searches([SearchRequest(text="a")]), 1),
        (work_of_searches([SearchRequest(like=["1"])]), 1),
        (work_of_searches([]), 1),
        (work_of_searches([SearchRequest(text="a", k=1000)]), 11),
        (work_of_searches([SearchRequest(text="a", image_base64="aa")]), 2),
        (work_of_searches([SearchRequest(parts=[{"text": "a"}] * 32)] * 64), 32 * 64),
        (work_of_parameters(TextParameters(q="a", k=250)), 3),
        (work_of_recommendation(RecommendRequest(liked=[str(n) for n in range(100)])), 25),
        (work_of_tags(32, TagsRequest(labels=["a"] * 256, taxonomies=["retail"])), 97),
    ],
)
def test_estimates_of_work(work: float, expected: float) -> None:
    assert work == expected


@pytest.mark.parametrize(
    ("method", "path", "more", "work"),
    [
        ("GET", "/v1/items/red/heatmap", {"params": {"q": "red"}}, HEAT_MAP_WORK),
        ("POST", "/v1/items/red/heatmap", {"json": {"text": "red"}}, HEAT_MAP_WORK),
        ("POST", "/v1/search/batch", {"json": {"queries": [{"text": "red"}] * 64}}, 64),
        ("GET", "/v1/items/red/similar", {"params": {"k": 1000}}, 11),
        ("POST", "/v1/recommend", {"json": {"liked": ["red"], "k": 1000}}, 11),
    ],
)
def test_a_request_is_charged_for_its_work(
    colour_engine: Engine, method: str, path: str, more: dict[str, Any], work: float
) -> None:
    with service(colour_engine, rate_limit=1.0, rate_burst=4) as client:
        assert client.request(method, path, **more).status_code == 200
        refused = client.get("/v1/index")
    assert error_of(refused) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) >= work - 6


def test_a_debt_is_paid_by_waiting() -> None:
    clock = Clock(0.0)
    limiter = RateLimiter(rate=2, burst=3, clock=clock)
    assert limiter.take("a") == 0
    limiter.charge("a", 10)
    assert limiter.take("a") == pytest.approx(4.5)
    assert limiter.take("b") == 0
    clock.now = 4.5
    assert limiter.take("a") == 0
