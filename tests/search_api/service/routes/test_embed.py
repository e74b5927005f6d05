"""Vectors of texts and images, and searches by them."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.support.service_helpers import GREEN, error_of, image_file


def embed(client: TestClient, **body: Any) -> Any:
    answer = client.post("/v1/embed", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_vectors_come_in_order_and_have_length_one(client: TestClient) -> None:
    image = base64.b64encode(image_file(GREEN)).decode()
    answer = embed(client, texts=["something red", "blue"], image_base64=[image])
    np.testing.assert_allclose(answer["vectors"], [[1, 0, 0], [0, 0, 1], [0, 1, 0]], atol=1e-3)
    assert (answer["dim"], answer["model"]) == (3, "fake")
    assert answer["fingerprint"] == client.get("/v1/index").json()["fingerprint"]


@pytest.mark.parametrize("scale", [1.0, 25.0, 1e308])
def test_a_vector_searches_as_its_text_does(client: TestClient, scale: float) -> None:
    (vector,) = embed(client, texts=["something red"])["vectors"]
    part = {"vector": [scale * number for number in vector]}
    asked = {"parts": [part], "k": 5}
    found = client.post("/v1/search", json=asked).json()
    by_text = {"text": "something red", "k": 5, "mode": "vector"}
    expected = client.post("/v1/search", json=by_text).json()
    scores = [(hit["id"], pytest.approx(hit["score"], abs=1e-5)) for hit in expected["hits"]]
    assert [(hit["id"], hit["score"]) for hit in found["hits"]] == scores
    mixed = {"parts": [part, {"text": "green", "weight": -1}], "k": 5, "explain": True}
    assert client.post("/v1/search", json=mixed).json()["hits"][-1]["id"] == "green"


def test_what_has_no_vector_is_refused(client: TestClient) -> None:
    for body in ({}, {"texts": []}, {"texts": [""]}, {"texts": ["a"] * 65}):
        assert error_of(client.post("/v1/embed", json=body)) == (422, "invalid_request")
    broken = client.post("/v1/embed", json={"image_base64": ["%%%"]})
    assert broken.json()["message"].startswith("image_base64.0: ")


@pytest.mark.parametrize(
    ("vector", "code", "words"),
    [
        ([1.0, 0.0], "invalid_query", "2 components, and this index has 3"),
        ([0, 0, 0], "invalid_query", "no direction"),
        ([], "invalid_request", "parts.0.vector"),
    ],
)
def test_a_vector_that_does_not_fit_is_refused(
    client: TestClient, vector: list[float], code: str, words: str
) -> None:
    answer = client.post("/v1/search", json={"parts": [{"vector": vector}]})
    assert error_of(answer) == (422, code)
    assert words in answer.json()["message"]
