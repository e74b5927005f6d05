"""What matches a search, over HTTP: products without a query, and queries without a match."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient


def post(client: TestClient, query: dict[str, Any]) -> Any:
    answer = client.post("/v1/search", json=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_without_a_query_products_are_listed(client: TestClient) -> None:
    asked = {"filter": {"price": {"gte": 3}}, "facets": ["price"], "k": 2, "explain": True}
    answer = post(client, asked)
    assert [hit["id"] for hit in answer["hits"]] == ["blue", "yellow"]
    for hit in answer["hits"]:
        assert (hit["score"], hit["confidence"], hit["explanation"]) == (None, None, None)
    assert (answer["total"], answer["no_match"]) == (3, False)
    assert len(answer["facets"]["price"]) == 5
    parameters = {"filter": '{"price": {"gte": 3}}', "facets": "price", "k": 2}
    got = client.get("/v1/search", params=parameters).json()
    assert (got["hits"], got["facets"]) == (answer["hits"], answer["facets"])
    assert [hit["id"] for hit in post(client, {})["hits"]] == [
        "red",
        "green",
        "blue",
        "yellow",
        "dark-red",
    ]


def test_nothing_matches(client: TestClient) -> None:
    asked = {"text": "red", "filter": {"title": "A green thing"}, "explain": True}
    answer = post(client, asked)
    assert (answer["hits"], answer["total"], answer["no_match"]) == ([], 0, True)
    assert [hit["id"] for hit in answer["suggestions"]] == ["green"]
    assert answer["suggestions"][0]["explanation"]["heatmap"].endswith("q=red")
    some = post(client, {"text": "red", "min_confidence": 0.99, "k": 2})
    assert some["no_match"] == (not some["hits"])


def found(client: TestClient, **query: Any) -> list[str]:
    return [hit["id"] for hit in post(client, {"k": 9, **query})["hits"]]


def test_a_shop_arranges_hits(client: TestClient) -> None:
    listed = ["red", "green", "blue", "yellow", "dark-red"]
    order = [{"field": "price", "order": "desc"}]
    assert found(client, sort=order) == listed[::-1]
    answer = client.get("/v1/search", params={"sort": "price:desc", "k": 9}).json()
    assert [hit["id"] for hit in answer["hits"]] == listed[::-1]
    assert found(client, pin=["blue"], bury=["red", {"title": "A green thing"}]) == [
        "blue", "yellow", "dark-red", "red", "green"
    ]  # fmt: skip
    boost = [{"field": "price", "weight": 1}]
    assert found(client, text="red", mode="vector", boost=boost)[:2] == ["dark-red", "red"]
    assert found(client, group_by="title") == found(client, collapse=True) == listed
    similar = client.get("/v1/items/red/similar", params={"sort": "price:desc"}).json()
    assert [hit["id"] for hit in similar["hits"]] == ["dark-red", "yellow", "blue", "green"]


def test_arrangements_that_do_not_fit_are_refused(client: TestClient) -> None:
    for query, start in (
        ({"sort": [{"field": "prize"}]}, "There is no field 'prize'"),
        ({"boost": [{"field": "title"}]}, "boost: 'title'"),
        ({"sort": [{"field": "price", "order": "up"}]}, "sort.0.order: "),
        ({"boost": [{"field": "price", "weight": 2}]}, "boost.0.weight: "),
        ({"pin": [{"prize": 1}]}, "filter: there is no field 'prize'"),
        ({"group": True, "collapse": True}, "Give one of"),
    ):
        answer = client.post("/v1/search", json=query)
        assert answer.status_code == 422, query
        assert answer.json()["message"].startswith(start)
