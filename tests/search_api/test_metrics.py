"""The figures that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from indexer.engine import Engine
from search_api.app import create_app
from search_api.settings import Settings


@pytest.fixture
def fresh(colour_engine: Engine) -> Iterator[TestClient]:
    """A service that has answered nothing yet."""
    app = create_app(colour_engine, Settings())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def figures(client: TestClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_requests_are_counted_by_route_and_status(fresh: TestClient) -> None:
    for product in ("red", "blue", "none", "a%2Fb"):
        fresh.get(f"/v1/items/{product}")
    fresh.post("/v1/search", json={"text": "red"})
    fresh.post("/v1/search", json={"k": 0})
    fresh.get("/nowhere/at/all")
    fresh.request("BREW", "/nowhere")
    found = figures(fresh)

    def count(method: str, route: str, status: int) -> float:
        labels = (("method", method), ("route", route), ("status", str(status)))
        return found["lookalike_requests_total", labels]

    assert count("GET", "/v1/items/{product_id}", 200) == 2
    assert count("GET", "/v1/items/{product_id}", 404) == 2
    assert count("POST", "/v1/search", 200) == 1
    assert count("POST", "/v1/search", 422) == 1
    assert count("GET", "other", 404) == 1
    assert count("other", "other", 404) == 1
    timed = found["lookalike_request_seconds_count", (("route", "/v1/search"),)]
    assert timed == 2


def test_the_index_is_described(fresh: TestClient, colour_engine: Engine) -> None:
    found = figures(fresh)
    manifest = colour_engine.index.manifest
    assert found["lookalike_generation", ()] == manifest.generation
    assert found["lookalike_products", ()] == manifest.products
    # The one that asks for the figures.
    assert found["lookalike_requests_under_way", ()] == 1


def test_two_services_count_apart(colour_engine: Engine, fresh: TestClient) -> None:
    TestClient(create_app(colour_engine, Settings())).get("/healthz")
    assert not any(dict(labels).get("route") == "/healthz" for _, labels in figures(fresh))
