"""How a text was read, on every route that takes words."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from search_api.client import SearchResult, Understood
from search_api.client.results import parse
from tests.support.service_helpers import error_of, ids


def test_excluded_words(client: TestClient) -> None:
    everything = ids(client.post("/v1/search", json={"text": "thing", "k": 20}))
    body = {"text": "thing without yellow", "k": 20, "explain": True}
    answer = client.post("/v1/search", json=body)
    assert answer.json()["understood"] == {"kept": "thing", "excluded": ["yellow"]}
    assert set(everything) - set(ids(answer)) == {"yellow"}
    # A heat map shows what was wanted.
    for hit in answer.json()["hits"]:
        assert parse_qs(urlsplit(hit["explanation"]["heatmap"]).query)["q"] == ["thing"]
    understood = parse(SearchResult, answer.content).understood
    assert understood == Understood("thing", ("yellow",))

    asked = {"q": "thing without yellow", "k": 20}
    by_get = client.get("/v1/search", params=asked).json()
    batch = client.post("/v1/search/batch", json={"queries": [body]}).json()["results"][0]
    for other in (by_get, batch["answer"]):
        assert other["understood"] == answer.json()["understood"]
        assert [hit["id"] for hit in other["hits"]] == ids(answer)


def test_parse_off(client: TestClient) -> None:
    body = {"text": "thing without yellow", "k": 20, "parse": "off"}
    for answer in (
        client.post("/v1/search", json=body),
        client.get("/v1/search", params={"q": body["text"], "k": 20, "parse": "off"}),
    ):
        assert answer.json()["understood"] is None
        assert "yellow" in ids(answer)


def test_without_texts_nothing_is_read(client: TestClient) -> None:
    assert client.post("/v1/search", json={"like": ["red"]}).json()["understood"] is None
    assert client.get("/v1/items/red/similar").json()["understood"] is None


@pytest.mark.parametrize("given", ["yes", True, 1, None])
def test_other_ways_to_parse(client: TestClient, given: object) -> None:
    answer = client.post("/v1/search", json={"text": "red", "parse": given})
    assert error_of(answer) == (422, "invalid_request")
    assert answer.json()["message"].startswith("parse: ")
