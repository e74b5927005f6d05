"""Request schemas: every invalid field is refused by its name."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.service_helpers import RED, error_of, image_file

JSON = {"content-type": "application/json"}

INVALID: list[tuple[str, dict[str, Any]]] = [
    ("k", {"k": 0}),
    ("k", {"k": 1001}),
    ("k", {"k": 10**9}),
    ("k", {"k": 1e9}),
    ("k", {"k": 1.5}),
    ("k", {"k": "many"}),
    ("k", {"k": None}),
    ("k", {"k": float("nan")}),
    ("k", {"k": "5"}),
    ("k", {"k": True}),
    ("k", {"k": 5.5}),
    ("offset", {"offset": "1"}),
    ("offset", {"offset": False}),
    ("min_confidence", {"min_confidence": "0.5"}),
    ("min_confidence", {"min_confidence": True}),
    ("diversity", {"diversity": "0"}),
    ("keyword_weight", {"keyword_weight": True}),
    ("region.0", {"region": ["0", 0, 1, 1]}),
    ("region.3", {"region": [0, 0, 1, True]}),
    ("group", {"group": 1}),
    ("group", {"group": None}),
    ("group", {"group": ["style"]}),
    ("group", {"group": "a" * 513}),
    ("parts.0.weight", {"parts": [{"text": "red", "weight": "1"}]}),
    ("offset", {"offset": -1}),
    ("offset", {"offset": 10_001}),
    ("text", {"text": ""}),
    ("text", {"text": " \n "}),
    ("text", {"text": "a" * 2001}),
    ("text", {"text": "a" * 2**20}),
    ("text", {"text": 5}),
    ("text", {"text": ["red"]}),
    ("like", {"like": "red"}),
    ("like.0", {"like": [""]}),
    ("like.0", {"like": ["a" * 513]}),
    ("like", {"like": ["red"] * 33}),
    ("parts", {"parts": [{"text": "red"}] * 33}),
    ("parts.0", {"parts": [{}]}),
    ("parts.1", {"parts": [{"text": "red"}, {"text": "red", "like": "red"}]}),
    ("parts.0.weight", {"parts": [{"text": "red", "weight": 11}]}),
    ("parts.0.weight", {"parts": [{"text": "red", "weight": float("nan")}]}),
    ("parts.0.weight", {"parts": [{"text": "red", "weight": float("-inf")}]}),
    ("parts.0.image_base64", {"parts": [{"image_base64": "!"}]}),
    ("image_base64", {"image_base64": "é"}),
    ("image_base64", {"image_base64": "abcde"}),
    ("fields.0", {"fields": ["a" * 513]}),
    ("filter", {"filter": {"or": [{"price": {"lt": 5}}] * 257}}),
    ("filter", {"filter": {"title": ["a"] * 4097}}),
    ("facets", {"facets": ["title"] * 33}),
    ("shade", {"shade": "red"}),
    ("colour", {"colour": 7}),
    ("Text", {"Text": "red"}),
]


@pytest.mark.parametrize(("field", "given"), INVALID)
def test_an_invalid_field_is_named(client: TestClient, field: str, given: dict[str, Any]) -> None:
    body = json.dumps({"text": "red"} | given)
    answer = client.post("/v1/search", content=body, headers=JSON)
    assert error_of(answer) == (422, "invalid_request")
    assert answer.json()["message"].startswith(f"{field}: ")


@pytest.mark.case(50)
@pytest.mark.parametrize(
    ("filter_", "bound"),
    [
        ({"or": [{"price": {"lt": 5}}] * 257}, "more than 256 conditions"),
        ({"or": [{}] * 300_000}, "65,536 values"),
        ({"title": ["a"] * 5000}, "more than 4,096 values"),
    ],
)
def test_a_refused_filter_names_its_bound(
    client: TestClient, filter_: dict[str, Any], bound: str
) -> None:
    for path, body in (
        ("/v1/search", {"text": "red", "filter": filter_}),
        ("/v1/recommend", {"liked": ["red"], "filter": filter_}),
        ("/v1/search/batch", {"queries": [{"text": "red", "filter": filter_}]}),
    ):
        answer = client.post(path, json=body)
        if answer.status_code == 200:  # one query of several fails by itself
            (result,) = answer.json()["results"]
            assert result["status"] == 422
            assert bound in result["error"]["message"]
        else:
            assert error_of(answer) == (422, "invalid_request")
            assert bound in answer.json()["message"]
            assert ".." not in answer.json()["message"]


@pytest.mark.case(50)
def test_the_broadest_filter_is_answered(client: TestClient) -> None:
    prices = {"or": [{"price": {"lt": number}} for number in range(255)]}
    titles = {"title": {"not": [f"title {number}" for number in range(4096)]}}
    answer = client.post("/v1/search", json={"text": "red", "filter": prices | titles})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["hits"]) == 5


@pytest.mark.parametrize(
    "parameters",
    ["q=", "q=%20", "q=red&k=0", "q=red&k=x", "q=red&offset=-1", "q=red&k=1e3",
     "q=red&k=" + "9" * 5000, "q=" + "a" * 2001],
)  # fmt: skip
def test_invalid_parameters_of_a_text_search(client: TestClient, parameters: str) -> None:
    answer = client.get(f"/v1/search?{parameters}")
    assert error_of(answer) == (422, "invalid_request")
    assert answer.json()["message"].partition(":")[0] in ("q", "k", "offset")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "labels"),
        ({"labels": []}, "labels"),
        ({"labels": ["a", " "]}, "labels.1"),
        ({"labels": ["a" * 201]}, "labels.0"),
        ({"labels": ["a"] * 257}, "labels"),
        ({"labels": "a,b"}, "labels"),
        ({"labels": ["a"], "top": 0}, "top"),
        ({"labels": ["a"], "top": "3"}, "top"),
        ({"labels": ["a"], "text": "a"}, "text"),
        ({"labels": ["a"]}, "image"),
    ],
)
def test_invalid_requests_for_tags(client: TestClient, query: dict[str, Any], field: str) -> None:
    answer = client.post("/v1/tags", json=query)
    assert error_of(answer) == (422, "invalid_request")
    assert answer.json()["message"].startswith(f"{field}: ")


def test_images_are_given_in_one_way(client: TestClient) -> None:
    query = json.dumps(
        {"labels": ["a"], "image_base64": base64.b64encode(image_file(RED)).decode()}
    )
    answer = client.post("/v1/tags", data={"query": query}, files={"image": ("p", image_file(RED))})
    assert error_of(answer) == (422, "invalid_request")
