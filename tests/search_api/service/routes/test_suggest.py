"""`GET /v1/suggest` over a real index."""

from __future__ import annotations

from fastapi.testclient import TestClient


def test_titles_values_and_tags_complete_a_text(client: TestClient) -> None:
    answer = client.get("/v1/suggest", params={"q": "da"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["generation"] == 1
    texts = [one["text"].lower() for one in answer.json()["suggestions"]]
    assert texts
    assert all(any(word.startswith("da") for word in text.split()) for text in texts)


def test_odd_texts_get_no_completion_and_no_error(client: TestClient) -> None:
    for text in ("", " ", "\u202e", "%00", "zzzz", '{"a": 1}', "a" * 2000):
        answer = client.get("/v1/suggest", params={"q": text})
        assert answer.status_code == 200
        assert answer.json()["suggestions"] == []
    assert client.get("/v1/suggest", params={"q": "a" * 2001}).status_code == 422
    assert client.get("/v1/suggest").status_code == 422
    assert client.get("/v1/suggest", params={"q": "a", "k": 21}).status_code == 422
