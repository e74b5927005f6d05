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
