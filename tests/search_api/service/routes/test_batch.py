"""Many searches in one request: each is answered, or fails, as if it were alone."""

from __future__ import annotations

import base64
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from embeddings import FakeEncoder, FloatArray
from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.settings import Settings
from tests.support.processes import PATIENCE
from tests.support.service_helpers import YELLOW, error_of, image_file
from tests.support.waiting import until

PATH = "/v1/search/batch"

QUERIES: list[dict[str, Any]] = [
    {"text": "something red", "k": 2},
    {"text": "blue", "filter": {"price": {"lt": 3}}, "facets": ["price"]},
    {"image_base64": base64.b64encode(image_file(YELLOW)).decode(), "fields": []},
    {"like": ["red"], "parts": [{"text": "green", "weight": -0.5}]},
    {"text": "red", "region": None, "mode": "hybrid", "group": True},
    {"text": "something red", "k": 2},
]

WRONG: list[tuple[object, int, str, str]] = [
    ({"text": "red", "k": 0}, 422, "invalid_request", "k: "),
    ({"text": "red", "k": "5"}, 422, "invalid_request", "k: "),
    ({"shade": "red"}, 422, "invalid_request", "shade: "),
    ("red", 422, "invalid_request", ""),
    (None, 422, "invalid_request", ""),
    ({"parts": [{"text": "red", "weight": 0}]}, 422, "invalid_query", ""),
    ({"text": "red", "filter": {"size": 1}}, 422, "invalid_query", "filter: "),
    ({"like": ["violet"]}, 404, "not_found", ""),
    ({"image_base64": "!"}, 422, "invalid_request", "image_base64: "),
    ({"image_base64": "AAAA"}, 415, "unsupported_image", ""),
    ({"image_url": "https://shop.example/a.jpg"}, 400, "url_not_allowed", ""),
    ({"text": "red", "region": [0, 0, 1, 1]}, 422, "invalid_request", "region: "),
]


def ask(client: TestClient, queries: object) -> Any:
    return client.post(PATH, json={"queries": queries})


def test_every_query_is_answered_as_if_alone(client: TestClient) -> None:
    results = ask(client, QUERIES).json()["results"]
    for query, result in zip(QUERIES, results, strict=True):
        alone = client.post("/v1/search", json=query).json()
        assert result["answer"].pop("took_ms") > 0
        alone.pop("took_ms")
        assert result == {"status": 200, "answer": alone, "error": None}


def test_an_invalid_query_fails_alone(client: TestClient) -> None:
    queries = [asked for query, *_ in WRONG for asked in (query, QUERIES[0])]
    answer = ask(client, queries)
    assert answer.status_code == 200
    results = answer.json()["results"]
    for (query, status, code, start), failed, good in zip(
        WRONG, results[::2], results[1::2], strict=True
    ):
        assert (failed["status"], failed["error"]["code"]) == (status, code), query
        assert failed["error"]["message"].startswith(start)
        assert failed["answer"] is None
        assert [hit["id"] for hit in good["answer"]["hits"]] == ["red", "dark-red"]


@pytest.mark.parametrize("queries", [[], [QUERIES[0]] * 65, "red", None, {"text": "red"}])
def test_an_invalid_batch_is_refused(client: TestClient, queries: object) -> None:
    answer = ask(client, queries)
    assert error_of(answer) == (422, "invalid_request")
    assert answer.json()["message"].startswith("queries: ")


def test_only_json_is_accepted(client: TestClient) -> None:
    answer = client.post(PATH, files={"image": b""})
    assert error_of(answer) == (400, "malformed_request")
    deep = client.post(PATH, content=b'{"queries": ' + b"[" * 10_000)
    assert error_of(deep) == (400, "malformed_request")
    not_a_number = client.post(PATH, content=b'{"queries": [{"text": "a", "diversity": NaN}]}')
    (result,) = not_a_number.json()["results"]
    assert (result["status"], result["error"]["code"]) == (422, "invalid_request")


def waiting_texts(client: TestClient) -> int:
    """Texts that wait for the model or are in it."""
    metrics = client.get("/metrics").text
    found = re.search(r'^lookalike_queue_depth{lane="texts"} (\S+)$', metrics, re.MULTILINE)
    return int(float(found[1])) if found else 0


def test_texts_go_through_the_model_together(colour_engine: Engine) -> None:
    """Sixteen queries of a request run at the same time; their texts wait together."""
    encoder = HeldEncoder()
    app = create_app(Engine(encoder, colour_engine.index), Settings())
    with TestClient(app) as client, ThreadPoolExecutor(1) as pool:
        encoder.sizes.clear()
        encoder.hold()
        answer = pool.submit(ask, client, [{"text": f"red {number}"} for number in range(64)])
        until(lambda: waiting_texts(client) == 16)
        encoder.release()
        results = answer.result().json()["results"]
    assert [result["answer"]["hits"][0]["id"] for result in results] == ["red"] * 64
    assert sum(encoder.sizes) == 64
    # The held call has those that came first; the next one has at least the rest of the sixteen.
    assert sum(encoder.sizes[:2]) >= 16


def test_an_overload_fails_the_whole_request(colour_engine: Engine) -> None:
    encoder = HeldEncoder()
    app = create_app(Engine(encoder, colour_engine.index), Settings(queue_size=1))
    with TestClient(app, raise_server_exceptions=False) as client:
        encoder.hold()
        answer = ask(client, [{"text": f"red {number}"} for number in range(16)])
        encoder.release()
    assert error_of(answer) == (503, "overloaded")
    assert answer.headers["retry-after"] == "1"


class HeldEncoder(FakeEncoder):
    """Records the sizes of text batches, and holds them back on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self._going = threading.Event()
        self._going.set()

    def hold(self) -> None:
        self._going.clear()

    def release(self) -> None:
        self._going.set()

    def encode_texts(self, texts: Any) -> FloatArray:
        assert self._going.wait(PATIENCE)
        self.sizes.append(len(texts))
        return super().encode_texts(texts)
