"""The service in this process: known answers of every route and every form of a query."""

from __future__ import annotations

import base64
import io
import json
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from embeddings import FakeEncoder, FloatArray
from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.settings import Settings
from tests.support.service_helpers import (
    BLUE,
    GREEN,
    RED,
    YELLOW,
    Answer,
    error_of,
    ids,
    image_file,
)

R2 = 2**-0.5

# By how near they are to yellow, ties in the catalog's order.
NEAR_YELLOW = ["yellow", "red", "green", "dark-red", "blue"]


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def post(client: TestClient, query: dict[str, Any], image: bytes | None = None) -> Answer:
    """A search; with a picture as multipart."""
    if image is None:
        return client.post("/v1/search", json=query)
    files = {"image": ("photo.png", image, "image/png")}
    return client.post("/v1/search", files=files, data={"query": json.dumps(query)})


ODD_IDS = ("two", "shoes/image/1.jpg", "Größe 42 & mehr", "a+b?c#d;e", "図鑑/🙂")


def scores(answer: Answer) -> dict[str, float]:
    return {hit["id"]: hit["score"] for hit in answer.json()["hits"]}


class TestSearch:
    def test_the_minimum_confidence(self, client: TestClient) -> None:
        asked = {"text": "something red"}
        everything = client.post("/v1/search", json=asked).json()["hits"]
        least = everything[0]["confidence"] - 0.001
        wanted = [hit for hit in everything if hit["confidence"] >= least]
        assert 0 < len(wanted) < len(everything)
        cut = client.post("/v1/search", json={**asked, "min_confidence": least}).json()
        assert cut["hits"] == wanted
        assert cut["total"] == len(wanted)
        plain = client.get("/v1/search", params={"q": "something red", "min_confidence": least})
        assert plain.json()["hits"] == wanted

    @pytest.mark.parametrize("least", [-0.1, 1.01, "much"])
    def test_an_invalid_minimum_confidence_is_refused(
        self, client: TestClient, least: object
    ) -> None:
        answer = client.post("/v1/search", json={"text": "red", "min_confidence": least})
        assert error_of(answer) == (422, "invalid_request")
        assert answer.json()["message"].startswith("min_confidence: ")

    def test_the_whole_answer_to_a_text(self, client: TestClient) -> None:
        answer = client.post("/v1/search", json={"text": "something red", "k": 2}).json()
        assert answer.pop("took_ms") > 0
        confidence = answer["hits"][0]["confidence"]
        assert 0.5 < confidence < 1
        hit = {"score": 1.0, "confidence": confidence, "grouped": [], "explanation": None,
               "colours": []}  # fmt: skip
        assert answer == {
            "hits": [
                {"id": "red", "image": "/v1/items/red/image/0",
                 "fields": {"title": "A red thing", "price": 1.5}, **hit},
                {"id": "dark-red", "image": "/v1/items/dark-red/image/0",
                 "fields": {"title": "A dark-red thing", "price": 5.5}, **hit},
            ],
            "total": 2,
            "total_relation": "exact",
            "no_match": False,
            "suggestions": [],
            "understood": {"kept": "something red", "excluded": []},
            "facets": {}, "tags": [], "colour": None, "objects": [],
            "generation": 1, "model": "fake", "adapted": False,
        }  # fmt: skip

    def test_get_is_the_same_for_plain_text(self, client: TestClient) -> None:
        asked = {"q": "  something red ", "k": "3", "offset": "1", "fields": ["price"]}
        got = client.get("/v1/search", params=asked).json()
        query = {"text": "something red", "k": 3, "offset": 1, "fields": ["price"]}
        posted = post(client, query).json()
        assert got["hits"] == posted["hits"]
        assert [hit["fields"] for hit in got["hits"]] == [
            {"price": 5.5},
            {"price": 4.5},
            {"price": 2.5},
        ]

    def test_scores_are_cosines(self, client: TestClient) -> None:
        found = scores(post(client, {"text": "red green"}))
        expected = {"yellow": 1.0, "red": R2, "green": R2, "dark-red": R2, "blue": 0.0}
        assert found == pytest.approx(expected, abs=1e-3)

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
    def test_an_uploaded_image(self, client: TestClient, kind: str) -> None:
        answer = client.post("/v1/search", files={"image": ("photo", image_file(YELLOW, kind))})
        assert ids(answer)[0] == "yellow"
        assert scores(answer)["yellow"] == pytest.approx(1.0, abs=0.01)

    def test_every_way_to_send_an_image_finds_the_same(self, client: TestClient) -> None:
        data = image_file(YELLOW)
        query = json.dumps({"k": 4}).encode()
        image = ("photo.png", data, "image/png")
        ways = [
            client.post("/v1/search", files={"image": image}, data={"query": query.decode()}),
            client.post(
                "/v1/search", files={"image": image, "query": ("q", query, "application/json")}
            ),
            post(client, {"k": 4, "image_base64": encoded(data)}),
            post(client, {"k": 4, "image_base64": f"data:image/png;base64,{encoded(data)}"}),
            post(client, {"k": 4, "parts": [{"image_base64": encoded(data), "weight": 3}]}),
        ]
        assert [ids(way) for way in ways] == [NEAR_YELLOW[:4]] * len(ways)

    def test_multipart_needs_no_image(self, client: TestClient) -> None:
        query = (None, json.dumps({"text": "blue", "k": 1}))
        assert ids(client.post("/v1/search", files={"query": query})) == ["blue"]

    def test_diversity_moves_similar_hits_down(self, client: TestClient) -> None:
        diverse = ids(post(client, {"text": "red", "diversity": 0.9}))
        assert (diverse[0], diverse[-1]) == ("red", "dark-red")
        for wrong in (-0.1, 1.1, "much"):
            refused = post(client, {"text": "red", "diversity": wrong})
            assert error_of(refused) == (422, "invalid_request")
            assert "diversity" in refused.json()["message"]

    def test_liked_products_are_left_out(self, client: TestClient) -> None:
        assert ids(post(client, {"like": ["red"]})) == ["dark-red", "yellow", "green", "blue"]
        assert ids(post(client, {"like": ["red", "green"]})) == ["yellow", "dark-red", "blue"]

    def test_text_image_like_and_parts_add_up(self, client: TestClient) -> None:
        query = {"text": "red", "like": ["blue"], "parts": [{"text": "green", "weight": 2}]}
        # (1, 0, 0) + (0, 1, 0) + (0, 0, 1) + 2 (0, 1, 0), of length sqrt(11).
        expected = {"green": 3, "yellow": 4 * R2, "red": 1, "dark-red": 1}
        expected = {name: value / 11**0.5 for name, value in expected.items()}
        assert scores(post(client, query, image_file(GREEN))) == pytest.approx(expected, abs=1e-3)

    def test_a_negative_part_pushes_away(self, client: TestClient) -> None:
        parts = [{"text": "red green"}, {"text": "green", "weight": -0.5}]
        length = (R2**2 + (R2 - 0.5) ** 2) ** 0.5
        expected = {
            "red": R2 / length,
            "dark-red": R2 / length,
            "yellow": (2 * R2 - 0.5) * R2 / length,
            "green": (R2 - 0.5) / length,
            "blue": 0.0,
        }
        answer = post(client, {"parts": parts, "mode": "vector"})
        assert ids(answer) == list(expected)
        assert scores(answer) == pytest.approx(expected, abs=1e-3)

    def test_a_disliked_product_is_left_out_too(self, client: TestClient) -> None:
        parts = [{"text": "blue"}, {"like": "green", "weight": -1}]
        assert ids(post(client, {"parts": parts})) == ["blue", "red", "dark-red", "yellow"]

    def test_a_weight_of_zero_changes_nothing(self, client: TestClient) -> None:
        parts = [{"text": "red"}, {"text": "blue", "weight": 0}]
        assert scores(post(client, {"parts": parts})) == scores(post(client, {"text": "red"}))

    @pytest.mark.parametrize("size", [1, 2, 3, 5])
    def test_pages_join_without_gap_or_repeat(self, client: TestClient, size: int) -> None:
        pages = [
            ids(post(client, {"text": "red green", "k": size, "offset": offset, "mode": "vector"}))
            for offset in range(0, 10, size)
        ]
        assert list(chain.from_iterable(pages)) == NEAR_YELLOW

    def test_pages_past_the_end_are_empty(self, client: TestClient) -> None:
        answer = post(client, {"text": "red", "k": 1000, "offset": 10_000}).json()
        assert (answer["hits"], answer["total"], answer["no_match"]) == ([], 2, False)

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            (None, {"title": "A blue thing", "price": 3.5}),
            (["price"], {"price": 3.5}),
            (["price", "title"], {"title": "A blue thing", "price": 3.5}),
            ([], {}),
        ],
    )
    def test_fields(
        self, client: TestClient, fields: list[str] | None, expected: dict[str, object]
    ) -> None:
        (hit,) = post(client, {"text": "blue", "k": 1, "fields": fields}).json()["hits"]
        assert hit["fields"] == expected

    def test_a_product_is_one_hit_with_its_best_image(self, odd_client: TestClient) -> None:
        hits = post(odd_client, {"text": "blue", "k": 5}).json()["hits"]
        found = [(hit["id"], hit["image"]) for hit in hits]
        assert found[:2] == [
            ("two", "/v1/items/two/image/1"),
            ("a+b?c#d;e", "/v1/items/a%2Bb%3Fc%23d%3Be/image/0"),
        ]
        assert sorted(product_id for product_id, _ in found) == sorted(ODD_IDS)

    def test_fields_without_a_value_are_left_out(self, odd_client: TestClient) -> None:
        (hit,) = post(odd_client, {"text": "red", "k": 1}).json()["hits"]
        assert (hit["id"], hit["fields"]) == ("shoes/image/1.jpg", {"size": 42})


class TestTags:
    labels = ("a red thing", "a green thing", "a blue thing")

    @pytest.mark.parametrize("encoding", ["file", "base64"])
    def test_known_probabilities(self, client: TestClient, encoding: str) -> None:
        query: dict[str, Any] = {"labels": self.labels, "top": 2}
        if encoding == "file":
            form = {"query": json.dumps(query)}
            answer = client.post("/v1/tags", data=form, files={"image": ("p", image_file(GREEN))})
        else:
            answer = client.post(
                "/v1/tags", json=query | {"image_base64": encoded(image_file(GREEN))}
            )
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body.pop("took_ms") > 0
        # Softmax of 10 (the fake encoder's scale), 0 and 0: 0.99991 and 0.00005, to 4 digits.
        first = {"label": "a green thing", "group": "label", "confidence": 0.9999}
        second = {"label": "a red thing", "group": "label", "confidence": 0.0}
        assert body == {"tags": [first, second], "model": "fake"}

    def test_top_is_five_unless_asked(self, client: TestClient) -> None:
        query = {
            "labels": [f"label {n}" for n in range(9)],
            "image_base64": encoded(image_file(RED)),
        }
        tags = client.post("/v1/tags", json=query).json()["tags"]
        assert [tag["label"] for tag in tags] == [f"label {n}" for n in range(5)]
        assert [tag["confidence"] for tag in tags] == [0.1111] * 5


class TestItems:
    def test_a_product(self, client: TestClient) -> None:
        assert client.get("/v1/items/dark-red").json() == {
            "id": "dark-red",
            "fields": {"title": "A dark-red thing", "price": 5.5},
            "images": ["/v1/items/dark-red/image/0"],
        }

    def test_a_product_with_two_images(self, odd_client: TestClient) -> None:
        images = odd_client.get("/v1/items/two").json()["images"]
        assert images == ["/v1/items/two/image/0", "/v1/items/two/image/1"]

    @pytest.mark.parametrize("product_id", [name for name in ODD_IDS if name != "two"])
    def test_any_id_can_be_fetched(self, odd_client: TestClient, product_id: str) -> None:
        answer = odd_client.get(f"/v1/items/{quote(product_id, safe='')}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["id"] == product_id
        (image,) = answer.json()["images"]
        assert image == f"/v1/items/{quote(product_id, safe='')}/image/0"
        # The id is understood; this index has no thumbnails.
        assert "thumbnails" in odd_client.get(image).json()["message"]

    def test_ids_with_unquoted_slashes(self, odd_client: TestClient) -> None:
        answer = odd_client.get("/v1/items/shoes/image/1.jpg")
        assert answer.json()["id"] == "shoes/image/1.jpg"

    def test_an_image(self, client: TestClient) -> None:
        answer = client.get("/v1/items/yellow/image/0")
        assert answer.headers["content-type"] == "image/webp"
        assert "max-age" in answer.headers["cache-control"]
        with Image.open(io.BytesIO(answer.content)) as image:
            assert (image.format, image.size) == ("WEBP", (64, 32))
            colour = image.convert("RGB").getpixel((30, 16))
        assert colour == pytest.approx(YELLOW, abs=12)

    @pytest.mark.parametrize(("size", "shown"), [(16, (16, 8)), (63, (63, 32)), (320, (64, 32))])
    def test_an_image_of_a_size(
        self, client: TestClient, size: int, shown: tuple[int, int]
    ) -> None:
        answer = client.get("/v1/items/blue/image/0", params={"size": size})
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.size == shown
            assert image.convert("RGB").getpixel((5, 5)) == pytest.approx(BLUE, abs=12)


class TestService:
    def test_the_index(self, client: TestClient) -> None:
        facts = client.get("/v1/index").json()
        assert facts.pop("created").startswith("20")
        assert facts == {
            "generation": 1,
            "catalog": "catalog.jsonl",
            "products": 5,
            "images": 5,
            "model": "fake",
            "fingerprint": "fake-fingerprint",
            "dim": 3,
            "kind": "flat",
            "recall": {"image": 1.0, "text": 1.0},
            "fields": {"title": "text", "price": "float"},
            "modes": ["vector", "keyword", "hybrid"],
            "runtime": "torch",
            "precision": "fp32",
        }

    def test_a_filter_holds_for_hits_and_facets(self, client: TestClient) -> None:
        body = {"text": "red", "filter": {"price": {"gte": 3}}, "facets": ["price"], "k": 9}
        answer = client.post("/v1/search", json=body).json()
        prices = [hit["fields"]["price"] for hit in answer["hits"]]
        assert sorted(prices) == [3.5, 4.5, 5.5]
        # Of the two that match, the filter leaves one; the facet ignores the filter on its field.
        assert sorted(answer["facets"]["price"]) == [[1.5, 1], [5.5, 1]]
        assert (answer["total"], answer["total_relation"]) == (1, "exact")

    def test_health(self, client: TestClient) -> None:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json() == {"status": "ready"}

    def test_not_ready_while_the_model_fails(self, colour_engine: Engine) -> None:
        engine = Engine(BrokenEncoder(), colour_engine.index)
        client = TestClient(create_app(engine, Settings()), raise_server_exceptions=False)
        assert error_of(client.get("/readyz")) == (503, "not_ready")
        assert client.get("/healthz").json() == {"status": "ok"}

    def test_an_unexpected_error_reveals_nothing(self, colour_engine: Engine) -> None:
        engine = Engine(BrokenEncoder(), colour_engine.index)
        client = TestClient(create_app(engine, Settings()), raise_server_exceptions=False)
        answer = client.post("/v1/search", json={"text": "red"})
        assert error_of(answer) == (500, "internal_error")
        assert "secret" not in answer.text
        assert client.get("/v1/items/red").json()["id"] == "red"

    def test_the_page_and_all_it_loads(self, client: TestClient) -> None:
        page = client.get("/")
        assert page.headers["content-type"].startswith("text/html")
        assert 'id="query"' in page.text
        folder = Path(create_app.__code__.co_filename).parent / "web"
        types = {".js": "javascript", ".css": "text/css", ".svg": "image/svg+xml"}
        for path in folder.rglob("*"):
            if path.suffix in types:
                served = client.get(f"/static/{path.relative_to(folder)}")
                assert served.content == path.read_bytes()
                assert types[path.suffix] in served.headers["content-type"]

    @pytest.mark.parametrize(
        "path",
        ["/", "/static/js/app.js", "/v1/index", "/v1/items/red/image/0", "/v1/items/none", "/x"],
    )
    def test_security_headers(self, client: TestClient, path: str) -> None:
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "access-control-allow-origin" not in headers

    def test_the_documentation_page(self, client: TestClient) -> None:
        answer = client.get("/docs")
        assert answer.status_code == 200
        assert "openapi.json" in answer.text
        assert answer.headers["x-frame-options"] == "DENY"

    @pytest.mark.parametrize("path", ["/v1/index", "/v1/items/none", "/static/none"])
    def test_a_callers_request_id_comes_back(self, client: TestClient, path: str) -> None:
        answer = client.get(path, headers={"X-Request-Id": "Order-7_a.b"})
        assert answer.headers["x-request-id"] == "Order-7_a.b"
        if answer.status_code == 404:
            assert answer.json()["request_id"] == "Order-7_a.b"

    @pytest.mark.parametrize("given", [b"", b"x" * 65, b"a b", b"a\tb", b'"', b"\xc3\xa9", b"<b>"])
    def test_an_odd_request_id_is_replaced(self, client: TestClient, given: bytes) -> None:
        answers = [client.get("/healthz", headers={b"X-Request-Id": given}) for _ in range(2)]
        made = [answer.headers["x-request-id"] for answer in answers]
        assert all(len(name) == 16 and int(name, 16) >= 0 for name in made)
        assert made[0] != made[1]


class BrokenEncoder(FakeEncoder):
    """Fails as a real one may, with a message that callers must not see."""

    def encode_texts(self, texts: object) -> FloatArray:
        raise RuntimeError("CUDA error at /secret/place.py")
