"""Metrics: counts and times by route and stage, bounded labels, several processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.settings import Settings
from tests.support.processes import PATIENCE
from tests.support.service_helpers import RED, image_file


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
    # The request for the metrics itself.
    assert found["lookalike_requests_under_way", ()] == 1


def test_two_services_count_apart(colour_engine: Engine, fresh: TestClient) -> None:
    TestClient(create_app(colour_engine, Settings())).get("/healthz")
    assert not any(dict(labels).get("route") == "/healthz" for _, labels in figures(fresh))


def test_every_stage_of_an_image_search_is_timed(fresh: TestClient) -> None:
    fresh.post("/v1/search", files={"image": ("p", image_file(RED))}, data={"query": "{}"})
    fresh.get("/v1/search?q=red")
    fresh.get("/v1/search?q=red")
    found = figures(fresh)
    counts = {
        stage: found["lookalike_stage_seconds_count", (("stage", stage),)]
        for stage in ("receive", "decode", "encode", "search", "fields")
    }
    assert counts == {"receive": 1, "decode": 1, "encode": 3, "search": 3, "fields": 3}
    assert found["lookalike_text_cache_total", (("result", "miss"),)] == 1
    assert found["lookalike_text_cache_total", (("result", "hit"),)] == 1
    for lane in ("texts", "pictures"):
        assert found["lookalike_batch_size_sum", (("lane", lane),)] >= 1
        assert found["lookalike_queue_depth", (("lane", lane),)] == 0


def test_no_label_grows_with_what_is_sent(fresh: TestClient) -> None:
    def series() -> set[str]:
        # All but the values.
        return {line.rpartition(" ")[0] for line in fresh.get("/metrics").text.splitlines()}

    def send(tag: str) -> None:
        fresh.get(f"/v1/items/{tag}")
        fresh.get(f"/{tag}")
        fresh.request(f"M{tag}", f"/{tag}")
        fresh.get(f"/v1/search?q={tag}", headers={"X-API-Key": tag, "X-Request-Id": tag})

    send("first")
    fresh.get("/metrics")
    before = series()
    for number in range(20):
        send(f"tag{number}")
    assert series() == before


_TWO_WORKERS = """
import multiprocessing, os, sys, time
from search_api.service.middleware.metrics import Metrics, Stage, shared_by_workers

def work(number, told):
    metrics = Metrics()
    for _ in range(number):
        metrics.begin_request()
        metrics.record_stage(Stage.SEARCH, 0.01)
    told.put(metrics.exposition().decode())
    time.sleep(100)

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    with shared_by_workers():
        workers = []
        for number in (2, 3):
            workers.append(context.Process(target=work, args=(number, told)))
            workers[-1].start()
            first = told.get(timeout=100)
        workers[0].kill()
        workers[0].join()
        folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
        workers[1].kill()
        workers[1].join()
        last = context.Process(target=work, args=(1, told))
        last.start()
        second = told.get(timeout=100)
        last.kill()
        last.join()
    print(first, "=====", second, "=====", os.path.exists(folder))
"""


@pytest.mark.slow
def test_processes_count_together(tmp_path: Path) -> None:
    """Counts of workers that ended stay; their requests in progress are removed."""
    program = tmp_path / "workers.py"
    program.write_text(_TWO_WORKERS)
    done = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
    )
    assert done.returncode == 0, done.stderr
    two, three, left = done.stdout.split("=====")
    assert 'lookalike_stage_seconds_count{stage="search"} 5.0' in two
    assert "lookalike_requests_under_way 5.0" in two
    assert 'lookalike_stage_seconds_count{stage="search"} 6.0' in three
    assert "lookalike_requests_under_way 1.0" in three
    assert left.strip() == "False"
