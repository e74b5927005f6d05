"""Search modes over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.service_helpers import YELLOW, error_of, ids, image_file


def post(client: TestClient, **query: Any) -> list[str]:
    return ids(client.post("/v1/search", json={"k": 5, **query}))


def test_modes_over_http(client: TestClient) -> None:
    # The fake encoder knows no yellow and no titles.
    assert post(client, text="yellow thing", mode="keyword")[0] == "yellow"
    assert post(client, text="yellow", mode="keyword") == ["yellow"]
    assert post(client, text="yelow", mode="keyword") == ["yellow"]
    assert post(client, text="DARK_RED", mode="keyword")[0] == "dark-red"
    assert post(client, text="yellow", mode="hybrid")[0] == "yellow"
    everything = ["blue", "dark-red", "green", "red", "yellow"]
    assert sorted(post(client, text="yellow", mode="hybrid")) == everything
    assert post(client, text="blue yellow", mode="hybrid", keyword_weight=0)[0] == "blue"
    assert (
        post(client, text="yellow", mode="hybrid", fusion="ranks", keyword_weight=1)[0] == "yellow"
    )
    assert post(client, text="red", mode="keyword", filter={"price": {"gt": 5}}) == ["dark-red"]
    assert post(client, text="nothing of the kind", mode="keyword") == []


def test_modes_of_get(client: TestClient) -> None:
    for mode, expected in (("keyword", ["yellow"]), ("hybrid", ["yellow"])):
        answer = client.get("/v1/search", params={"q": "yellow", "k": 1, "mode": mode})
        assert ids(answer) == expected
    asked = {"q": "yellow blue", "mode": "hybrid", "keyword_weight": 0}
    assert ids(client.get("/v1/search", params=asked))[0] == "blue"


def test_an_image_and_words_are_fused(client: TestClient) -> None:
    query = {"text": "blue", "mode": "hybrid", "k": 5}
    files = {"image": ("p", image_file(YELLOW))}
    answer = client.post("/v1/search", files=files, data={"query": json.dumps(query)})
    assert ids(answer)[0] == "blue"
    picture_alone = {"mode": "hybrid", "k": 1}
    answer = client.post("/v1/search", files=files, data={"query": json.dumps(picture_alone)})
    assert ids(answer) == ["yellow"]
    answer = client.post("/v1/search", files=files, data={"query": '{"mode": "keyword"}'})
    assert error_of(answer) == (422, "invalid_query")
    assert "give text" in answer.json()["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("mode", "fuzzy"), ("keyword_weight", 1.1), ("keyword_weight", -1),
     ("keyword_weight", "much"), ("fusion", "rrf")],
)  # fmt: skip
def test_wrong_modes_name_the_field(client: TestClient, field: str, value: object) -> None:
    answer = client.post("/v1/search", json={"text": "red", field: value})
    assert error_of(answer) == (422, "invalid_request")
    assert field in answer.json()["message"]
