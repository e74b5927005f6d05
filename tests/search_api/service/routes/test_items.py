"""More like a product, products to go with several, and ids of any spelling in paths."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index
from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.settings import Settings
from tests.support.service_helpers import BLUE, RED, error_of, ids


class TestSimilar:
    def test_similar_is_a_search_for_like(self, client: TestClient) -> None:
        similar = client.get("/v1/items/red/similar").json()
        like = client.post("/v1/search", json={"like": ["red"]}).json()
        assert similar["hits"] == like["hits"]
        assert similar["hits"][0]["id"] == "dark-red"
        assert "red" not in [hit["id"] for hit in similar["hits"]]

    def test_parameters(self, client: TestClient) -> None:
        path = "/v1/items/red/similar"
        everything = ids(client.get(path))
        assert ids(client.get(path, params={"k": 2, "offset": 1})) == everything[1:3]
        some = client.get(path, params={"filter": json.dumps({"price": {"lt": 3}})})
        assert set(ids(some)) == {"green"}
        named = client.get(path, params={"k": 1, "fields": "price"}).json()
        assert set(named["hits"][0]["fields"]) == {"price"}

    @pytest.mark.parametrize("text", ["{", "[]", '"red"', "1"])
    def test_an_invalid_filter_is_named(self, client: TestClient, text: str) -> None:
        answer = client.get("/v1/items/red/similar", params={"filter": text})
        assert error_of(answer) == (
            422,
            "invalid_request" if "NaN" not in text else "invalid_query",
        )

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "9" * 400, '"x"', "true"])
    def test_numbers_of_missing_images(self, client: TestClient, number: str) -> None:
        answer = client.get("/v1/items/red/similar", params={"filter": f'{{"price": {number}}}'})
        assert error_of(answer) == (422, "invalid_query")
        assert "price" in answer.json()["message"]

    def test_an_unknown_product(self, client: TestClient) -> None:
        assert error_of(client.get("/v1/items/none/similar"))[0] == 404


class TestRecommend:
    def ask(self, client: TestClient, **body: object) -> Any:
        return client.post("/v1/recommend", json=body)

    def test_the_seeds_are_not_among_the_hits(self, client: TestClient) -> None:
        assert set(ids(self.ask(client, liked=["red", "blue"], disliked=["green"]))) == {
            "yellow", "dark-red",
        }  # fmt: skip

    def test_recommendations_are_the_engines(
        self, client: TestClient, colour_engine: Engine
    ) -> None:
        told = self.ask(client, liked=["red"], k=2, filter={"price": {"gt": 2}}, fields=[])
        expected = colour_engine.recommend(["red"], k=2, filter={"price": {"gt": 2}}, fields=[])
        assert ids(told) == [hit.id for hit in expected.hits]
        assert all(hit["fields"] == {} for hit in told.json()["hits"])

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({}, (422, "invalid_request")),
            ({"liked": []}, (422, "invalid_request")),
            ({"liked": ["red"], "what": 1}, (422, "invalid_request")),
            ({"liked": ["red"], "disliked": ["red"]}, (422, "invalid_query")),
            ({"liked": ["none"]}, (404, "not_found")),
            ({"liked": ["red"] * 101}, (422, "invalid_request")),
        ],
    )
    def test_invalid_groups(
        self, client: TestClient, body: dict[str, object], error: tuple[int, str]
    ) -> None:
        assert error_of(self.ask(client, **body)) == error

    def test_only_json_is_accepted(self, client: TestClient) -> None:
        answer = client.post("/v1/recommend", files={"image": b""})
        assert error_of(answer) == (400, "malformed_request")


class TestRegion:
    def two_halves(self) -> bytes:
        image = Image.new("RGB", (40, 20), RED)
        image.paste(BLUE, (20, 0, 40, 20))
        out = BytesIO()
        image.save(out, "PNG")
        return out.getvalue()

    @pytest.mark.parametrize(
        ("region", "found"), [([0, 0, 0.5, 1], "red"), ([0.5, 0.2, 1, 0.8], "blue")]
    )
    def test_a_region_of_the_image_is_searched(
        self, client: TestClient, region: list[float], found: str
    ) -> None:
        query = {"query": json.dumps({"region": region, "k": 1})}
        answer = client.post("/v1/search", data=query, files={"image": self.two_halves()})
        assert ids(answer) == [found]
        assert answer.json()["hits"][0]["score"] == pytest.approx(1, abs=1e-3)

    @pytest.mark.parametrize(
        "region", [[0, 0, 0, 1], [0.5, 0, 0.2, 1], [0, 0, 1], [0, 0, 1, 2], [0, -0.1, 1, 1], "all"]
    )
    def test_invalid_regions(self, client: TestClient, region: object) -> None:
        query = {"query": json.dumps({"region": region})}
        answer = client.post("/v1/search", data=query, files={"image": self.two_halves()})
        assert error_of(answer) == (422, "invalid_request")
        assert "region" in answer.json()["message"]

    def test_the_smallest_region_is_a_pixel(self, client: TestClient) -> None:
        query = {"query": json.dumps({"region": [0.999, 0.999, 1, 1], "k": 1})}
        answer = client.post("/v1/search", data=query, files={"image": self.two_halves()})
        assert ids(answer) == ["blue"]

    def test_a_region_without_an_image(self, client: TestClient) -> None:
        answer = client.post("/v1/search", json={"text": "red", "region": [0, 0, 1, 1]})
        assert error_of(answer) == (422, "invalid_request")


SPELLINGS = [
    "a/similar", "similar", "a/image/0", "image/0", "a/b", "%2F", "a%2Fimage%2F0", "a?k=1", "#",
    "..", "../etc", "ü 🙂", "50% off", ";", "+",
]  # fmt: skip


def test_every_id_with_quoted_slashes_is_found(tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("ids")
    rows = []
    for number, product in enumerate(SPELLINGS):
        Image.new("RGB", (8, 8), (10 * number, 50, 0)).save(folder / f"{number}.png")
        rows.append(json.dumps({"id": product, "image": f"{number}.png"}))
    (folder / "c.jsonl").write_text("\n".join(rows), "utf-8")
    build_index(folder / "c.jsonl", folder / "index", FakeEncoder(), BuildOptions(workers=0))
    client = TestClient(create_app(Engine.open(folder / "index", FakeEncoder()), Settings()))
    for product in SPELLINGS:
        if product == "..":  # any client resolves it before it asks
            continue
        path = f"/v1/items/{quote(product, safe='')}"
        assert client.get(path).json()["id"] == product
        shown = client.get(client.get(path).json()["images"][0])
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
        similar = ids(client.get(f"{path}/similar"))
        assert sorted([product, *similar]) == sorted(SPELLINGS)
