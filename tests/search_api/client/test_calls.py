"""Calls of the client: what is sent for each method, and how the answer is read."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest

from search_api.client import NotFoundError, SearchResult
from tests.support.client_kinds import FOUND, MakeClient, Service, ok


def test_only_what_is_given_is_sent(make_client: MakeClient) -> None:
    service = Service(ok())
    found = make_client(service).search(text="red", k=None)
    assert service.json == {"text": "red"}
    assert str(service.requests[0].url) == "http://shop.example/ai/v1/search"
    assert service.requests[0].headers["content-type"] == "application/json"
    assert "authorization" not in service.requests[0].headers
    assert isinstance(found, SearchResult)
    (hit,) = found.hits
    assert (hit.id, hit.confidence, hit.image_number, hit.grouped) == ("a/1", None, 12, ())
    # Numbers, booleans and texts stay what they are.
    assert [repr(value) for value in hit.fields.values()] == ["5", "True", "'1'"]
    assert (found.tags, found.facets) == ((), {})


def test_every_part_of_a_query(make_client: MakeClient) -> None:
    service = Service(ok())
    file = io.BytesIO(b"sleeve")
    query: dict[str, Any] = {
        "text": "red",
        "image": "HTTPS://shop.example/a.jpg",
        "like": "7",
        "parts": (
            {"text": "floral", "weight": -0.5},
            {"image": file},
            {"image": "http://shop.example/b.jpg", "weight": 2},
            {"like": "9"},
        ),
        "region": (0.1, 0.2, 0.8, 0.9),
        "filter": {"price": {"lt": 5}},
        "k": 3,
        "offset": 6,
        "group": "style",
        "min_confidence": 0.5,
        "diversity": 0.1,
        "facets": ["colour"],
        "tags": True,
        "fields": [],
        "mode": "hybrid",
        "keyword_weight": 0.2,
        "fusion": "ranks",
    }
    make_client(service).search(**query)
    sent = dict(service.json)
    assert sent.pop("image_url") == query.pop("image")
    assert sent.pop("like") == [query.pop("like")]
    assert sent.pop("region") == list(query.pop("region"))
    assert sent.pop("parts") == [
        {"text": "floral", "weight": -0.5},
        {"image_base64": "c2xlZXZl"},
        {"image_url": "http://shop.example/b.jpg", "weight": 2},
        {"like": "9"},
    ]
    del query["parts"]
    assert sent == query


def test_an_image_is_sent_as_a_file_with_the_json(make_client: MakeClient) -> None:
    service = Service(ok())
    make_client(service).search(image=b"\x89PNG", k=2)
    assert service.requests[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    body = service.requests[0].content
    assert b'name="image"; filename="image"\r\nContent-Type: application/octet' in body
    assert b"\r\n\r\n\x89PNG\r\n" in body
    assert b'\r\n\r\n{"k": 2}\r\n' in body


def test_parameters_and_quoting(make_client: MakeClient) -> None:
    service = Service(ok(), httpx.Response(200, content=b"webp"), httpx.Response(200, content=b""))
    client = make_client(service)
    options = {"fields": ["a", "b"], "filter": {"x": [1]}, "group": True, "offset": 3}
    client.similar("../a/ü?", **options)
    url = service.requests[0].url
    assert url.raw_path.partition(b"?")[0] == b"/ai/v1/items/%2E%2E%2Fa%2F%C3%BC%3F/similar"
    assert url.params.multi_items() == [
        ("fields", "a"), ("fields", "b"), ("filter", '{"x": [1]}'), ("group", "true"),
        ("offset", "3"),
    ]  # fmt: skip
    assert client.item_image("..", 2, size=64) == b"webp"
    assert service.requests[1].url.raw_path == b"/ai/v1/items/%2E%2E/image/2?size=64"
    client.item_image("x")
    assert service.requests[2].url.raw_path == b"/ai/v1/items/x/image/0"


def test_recommendations_and_tags(make_client: MakeClient) -> None:
    tagged = {"tags": [{"label": "a", "group": "label", "confidence": 0.9}], "model": "m"}
    service = Service(ok(), ok({**tagged, "took_ms": 1}))
    client = make_client(service)
    client.recommend(("a", "b"), ["c"], k=4, diversity=0.5)
    sent = {"liked": ["a", "b"], "disliked": ["c"], "k": 4, "diversity": 0.5}
    assert service.json == sent
    (tag,) = client.tags("http://shop.example/a.jpg", ["a", "b"], top=1).tags
    assert service.json == {"image_url": "http://shop.example/a.jpg", "labels": ["a", "b"],
                            "top": 1}  # fmt: skip
    assert (tag.label, tag.confidence) == ("a", 0.9)


def test_tags_of_several_pictures(make_client: MakeClient) -> None:
    error = {"code": "broken_image", "message": "Cut short."}
    results = [
        {"status": 200, "tags": [{"label": "dress", "group": "type", "confidence": 0.9}]},
        {"status": 422, "error": error},
    ]
    service = Service(ok({"results": results, "model": "m", "took_ms": 1}))
    client = make_client(service)
    first, second = client.tags_batch([b"a", b"b"], taxonomies=["retail"], groups=["type"])
    assert service.json == {
        "image_base64": ["YQ==", "Yg=="], "taxonomies": ["retail"], "groups": ["type"]
    }  # fmt: skip
    assert [tag.label for tag in first] == ["dress"]
    assert second.code == "broken_image"
    with pytest.raises(TypeError, match="by URL"):
        client.tags_batch(["http://shop.example/a.jpg", b"b"], ["a"])


def test_a_batch_gives_answers_and_errors(make_client: MakeClient) -> None:
    error = {"code": "not_found", "message": "No such product."}
    results = [
        {"status": 200, "answer": FOUND, "error": None},
        {"status": 404, "answer": None, "error": error},
    ]
    service = Service(ok({"results": results, "took_ms": 1.0}))
    first, second = make_client(service).search_batch([{"image": b"a"}, {"like": "x"}])
    assert service.json == {"queries": [{"image_base64": "YQ=="}, {"like": ["x"]}]}
    assert first.hits[0].id == "a/1"
    assert isinstance(second, NotFoundError)
    assert (second.code, second.request_id) == ("not_found", None)


def test_the_key_is_sent(make_client: MakeClient) -> None:
    service = Service(ok())
    make_client(service, api_key="secret").search(text="a")
    assert service.requests[0].headers["authorization"] == "Bearer secret"
