"""Grouped hits, and parts of products' own pictures, over HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index
from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.settings import Settings
from tests.support.service_helpers import BLUE, GREEN, RED, error_of, ids, image_file


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Two sizes of a red thing and a blue one of the same style; a half red, half blue thing."""
    folder = tmp_path_factory.mktemp("shop")
    halves = Image.new("RGB", (64, 32), RED)
    halves.paste(BLUE, (32, 0, 64, 32))
    files = {"red": RED, "red-L": (250, 2, 0), "blue": BLUE, "green": GREEN}
    rows = []
    for name, colour in files.items():
        Image.new("RGB", (32, 32), colour).save(folder / f"{name}.png")
        rows.append({"id": name, "image": f"{name}.png", "style": "S1"})
    del rows[-1]["style"]
    halves.save(folder / "halves.png")
    rows.append({"id": "halves", "image": "halves.png", "style": "S2"})
    (folder / "c.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    options = BuildOptions(workers=0, text_weight=0.0)
    build_index(folder / "c.jsonl", folder / "index", FakeEncoder(), options)
    engine = Engine.open(folder / "index", FakeEncoder())
    with TestClient(create_app(engine, Settings()), raise_server_exceptions=False) as client:
        yield client


def groups(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200, answer.text
    return [[hit["id"], *hit["grouped"]] for hit in answer.json()["hits"]]


class TestGroup:
    def search(self, shop: TestClient, **query: object) -> Any:
        return shop.post("/v1/search", json={"text": "red", **query})

    def test_nearly_the_same_images_are_one_hit(self, shop: TestClient) -> None:
        found = groups(self.search(shop, group=True))
        assert found[:2] == [["red", "red-L"], ["halves"]]
        assert sorted(found[2:]) == [["blue"], ["green"]]
        assert ["red-L"] in groups(self.search(shop, group=False))

    def test_grouping_by_a_field(self, shop: TestClient) -> None:
        found = groups(self.search(shop, group="style"))
        assert found == [["red", "red-L", "blue"], ["halves"], ["green"]]

    def test_pages_count_groups(self, shop: TestClient) -> None:
        whole = groups(self.search(shop, group=True))
        pages = [groups(self.search(shop, group=True, k=1, offset=n)) for n in range(5)]
        assert [group for page in pages for group in page] == whole

    def test_grouping_in_a_query_string(self, shop: TestClient) -> None:
        plain = groups(shop.get("/v1/search", params={"q": "red", "group": "true"}))
        assert plain == groups(self.search(shop, group=True))
        one = groups(shop.get("/v1/search", params={"q": "red", "group": "style", "k": 1}))
        assert one == [["red", "red-L", "blue"]]
        similar = shop.get("/v1/items/green/similar", params={"group": True, "k": 9})
        assert sorted(map(sorted, groups(similar))) == [["blue"], ["halves"], ["red", "red-L"]]
        wrong = shop.get("/v1/items/green/similar", params={"group": "parent"})
        assert error_of(wrong) == (422, "invalid_query")
        assert "style" in wrong.json()["message"]

    def test_a_filter_in_a_query_string(self, shop: TestClient) -> None:
        found = shop.get("/v1/search", params={"q": "red", "filter": '{"style": "S2"}'})
        assert ids(found) == ["halves"]


class TestRegionOfAProduct:
    def test_a_region_of_a_products_image_is_searched(self, shop: TestClient) -> None:
        right = shop.post("/v1/search", json={"like": ["halves"], "region": [0.5, 0, 1, 1]})
        assert ids(right)[0] == "blue"
        assert "halves" not in ids(right)
        assert right.json()["hits"][0]["score"] > 0.99
        left = shop.post("/v1/search", json={"like": ["halves"], "region": [0, 0, 0.5, 1], "k": 2})
        assert set(ids(left)) == {"red", "red-L"}

    def test_a_given_image_takes_precedence(self, shop: TestClient) -> None:
        image = base64.b64encode(image_file(GREEN)).decode()
        query = {"like": ["halves"], "region": [0.5, 0, 1, 1], "image_base64": image, "k": 1}
        assert ids(shop.post("/v1/search", json=query)) == ["green"]

    @pytest.mark.parametrize("liked", [[], ["red", "blue"]])
    def test_a_region_needs_exactly_one_product(self, shop: TestClient, liked: list[str]) -> None:
        query = {"text": "red", "like": liked, "region": [0, 0, 1, 1]}
        answer = shop.post("/v1/search", json=query)
        assert error_of(answer) == (422, "invalid_request")
        assert answer.json()["message"].startswith("region: ")

    def test_a_product_that_does_not_exist(self, shop: TestClient) -> None:
        answer = shop.post("/v1/search", json={"like": ["none"], "region": [0, 0, 1, 1]})
        assert error_of(answer) == (404, "not_found")

    def test_an_index_without_thumbnails(self, odd_client: TestClient) -> None:
        answer = odd_client.post("/v1/search", json={"like": ["two"], "region": [0, 0, 1, 1]})
        assert error_of(answer) == (422, "invalid_request")
        assert "thumbnails" in answer.json()["message"]
