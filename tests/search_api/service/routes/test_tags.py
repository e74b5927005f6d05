"""Tags over HTTP by taxonomies, of one picture and of several, over the fake encoder."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from indexer.errors import TaxonomyError
from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.settings import Settings
from tests.support.service_helpers import GREEN, RED, error_of, image_file

SHOP = """
name: shop
version: 1
groups:
  - name: colour
    templates: ["{}"]
    labels: [red, green]
  - name: mood
    exclusive: false
    templates: ["{}"]
    labels: [red, blue]
"""


@pytest.fixture(scope="module")
def shop_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "shop.yaml"
    path.write_text(SHOP, "utf-8")
    return path


@pytest.fixture(scope="module")
def shop(colour_engine: Engine, shop_file: Path) -> Iterator[TestClient]:
    app = create_app(colour_engine, Settings(taxonomies=(shop_file,)))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def tags(client: TestClient, query: dict[str, Any]) -> Any:
    return client.post("/v1/tags", json={"image_base64": encoded(image_file(RED)), **query})


def named(tags: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(tag["group"], tag["label"]) for tag in tags]


def test_a_shops_own_taxonomy_and_a_built_in_one(shop: TestClient) -> None:
    answer = tags(shop, {"taxonomies": ["shop"]})
    assert answer.status_code == 200, answer.text
    assert ("mood", "red") in named(answer.json()["tags"])
    built_in = tags(shop, {"taxonomies": ["retail"], "groups": ["colour"]}).json()["tags"]
    assert {tag["group"] for tag in built_in} <= {"colour"}


def test_taxonomies_and_labels_together(shop: TestClient) -> None:
    query = {"taxonomies": ["shop"], "labels": ["green", "red"], "groups": ["mood"], "top": 1}
    answer = tags(shop, query)
    assert named(answer.json()["tags"]) == [("mood", "red"), ("label", "red")]


def test_an_unknown_taxonomy_is_named_with_the_known_ones(shop: TestClient) -> None:
    answer = tags(shop, {"taxonomies": ["nope"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "'nope'" in answer.json()["message"]
    assert "retail, shop" in answer.json()["message"]


def test_an_unknown_group_is_named_with_the_known_ones(shop: TestClient) -> None:
    answer = tags(shop, {"taxonomies": ["shop"], "groups": ["mood", "smell"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["message"].startswith("groups: ")
    assert "colour, mood" in answer.json()["message"]


@pytest.mark.parametrize("way", ["json", "form"])
def test_each_of_several_images_succeeds_or_fails_by_itself(shop: TestClient, way: str) -> None:
    files = [image_file(RED), b"no picture", image_file(GREEN)]
    query = {"labels": ["green", "red"], "top": 1}
    if way == "json":
        answer = shop.post("/v1/tags", json={"image_base64": list(map(encoded, files)), **query})
    else:
        parts = [("image", (f"{n}.png", data)) for n, data in enumerate(files)]
        answer = shop.post("/v1/tags", data={"query": json.dumps(query)}, files=parts)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert "tags" not in body
    first, second, third = body["results"]
    assert [tag["label"] for tag in (*first["tags"], *third["tags"])] == ["red", "green"]
    assert (second["status"], second["error"]["code"], second["tags"]) == (
        415, "unsupported_image", [],
    )  # fmt: skip


def test_a_list_of_one_is_answered_by_a_list(shop: TestClient) -> None:
    answer = shop.post(
        "/v1/tags", json={"image_base64": [encoded(image_file(RED))], "labels": ["a"]}
    )
    (result,) = answer.json()["results"]
    assert [tag["label"] for tag in result["tags"]] == ["a"]


def test_one_image_too_many_is_refused(shop: TestClient) -> None:
    drawn = BytesIO()
    Image.new("RGB", (2, 2), "red").save(drawn, "PNG")
    for query in (
        {"image_base64": [encoded(drawn.getvalue())] * 33},
        {"image_base64": []},
    ):
        answer = shop.post("/v1/tags", json={**query, "labels": ["a"]})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert answer.json()["message"].startswith("image_base64: ")
    parts = [("image", (f"{n}.png", drawn.getvalue())) for n in range(34)]
    answer = shop.post("/v1/tags", data={"query": '{"labels": ["a"]}'}, files=parts)
    assert error_of(answer) in [(400, "malformed_request"), (422, "invalid_request")]


def test_an_invalid_taxonomy_file_stops_the_start(colour_engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: x", "utf-8")
    with pytest.raises(TaxonomyError, match=r"bad\.yaml"):
        create_app(colour_engine, Settings(taxonomies=(tmp_path / "bad.yaml",)))
