"""Tags that an index keeps, over HTTP: as fields and facets, and of what a query shows."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index, retag
from indexer.index import TagChoice
from indexer.search import Engine
from indexer.tagging.taxonomy import DEFAULT_TAXONOMY, Group, Label, Taxonomy, read_taxonomy
from search_api.service.app import create_app
from search_api.service.settings import Settings
from tests.support.service_helpers import GREEN, RED, error_of, image_file
from tests.support.waiting import until

TAXONOMY = Taxonomy(
    "hues", 1, (Group("hue", True, tuple(Label(n, (), ("{}",)) for n in ("red", "green"))),)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of pictures alone, tagged."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name, colour in {"a": RED, "b": GREEN, "c": (100, 0, 0)}.items():
        Image.new("RGB", (16, 16), colour).save(pictures / f"{name}.png")
    options = BuildOptions(workers=0, tags=TagChoice(TAXONOMY))
    build_index(pictures, tmp_path / "index", FakeEncoder(), options)
    return tmp_path / "index"


@pytest.fixture
def shop(folder: Path) -> Iterator[TestClient]:
    app = create_app(Engine.open(folder, FakeEncoder()), Settings())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def search(client: TestClient, query: dict[str, Any]) -> Any:
    answer = client.post("/v1/search", json=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_tags_are_fields(shop: TestClient) -> None:
    assert shop.get("/v1/index").json()["fields"]["tag_hue"] == "labels"
    query = {"text": "anything", "filter": {"tag_hue": "red"}, "facets": ["tag_hue"]}
    found = search(shop, query)
    assert {hit["id"] for hit in found["hits"]} == {"a.png", "c.png"}
    assert found["facets"] == {"tag_hue": [["red", 2], ["green", 1]]}
    assert found["total"] == 2
    assert found["hits"][0]["fields"] == {"tag_hue": ["red"]}
    assert shop.get("/v1/items/b.png").json()["fields"] == {"tag_hue": ["green"]}
    answer = shop.post("/v1/search", json={"text": "x", "filter": {"tag_hue": {"gt": "a"}}})
    assert error_of(answer) == (422, "invalid_query")
    assert "labels" in answer.json()["message"]


def test_tags_of_a_query(shop: TestClient) -> None:
    tags = search(shop, {"image_base64": encoded(image_file(GREEN)), "tags": True})["tags"]
    assert [(tag["group"], tag["label"]) for tag in tags] == [("hue", "green")]
    assert 0.5 < tags[0]["confidence"] <= 1
    assert search(shop, {"image_base64": encoded(image_file(GREEN))})["tags"] == []
    liked = search(shop, {"like": ["c.png"], "tags": True})["tags"]
    assert [tag["label"] for tag in liked] == ["red"]
    similar = shop.get("/v1/items/c.png/similar", params={"tags": "true"}).json()
    assert similar["tags"] == liked
    away = [{"like": "c.png", "weight": -1}, {"text": "green"}]
    assert search(shop, {"parts": away, "tags": True})["tags"] == []
    assert search(shop, {"text": "red", "tags": True})["tags"] == []
    assert shop.get("/v1/search", params={"q": "red", "tags": "true"}).json()["tags"] == []
    wrong = shop.post("/v1/search", json={"text": "red", "tags": "yes"})
    assert error_of(wrong) == (422, "invalid_request")
    batch = {"queries": [{"like": ["b.png"], "tags": True}, {"like": ["b.png"]}]}
    first, second = shop.post("/v1/search/batch", json=batch).json()["results"]
    assert [tag["label"] for tag in first["answer"]["tags"]] == ["green"]
    assert second["answer"]["tags"] == []


def test_a_running_service_moves_to_the_new_tags(shop: TestClient, folder: Path) -> None:
    other = Taxonomy("greens", 1, (Group("green", True, (Label("green", (), ("{}",)),)),))
    retag(folder, lambda name: FakeEncoder(), TagChoice(other))
    until(lambda: shop.get("/v1/index").json()["generation"] == 2)
    tags = search(shop, {"like": ["b.png"], "tags": True})["tags"]
    assert [(tag["group"], tag["label"]) for tag in tags] == [("green", "green")]


def test_an_index_without_tags_uses_the_built_in_taxonomy(client: TestClient) -> None:
    query = {"image_base64": encoded(image_file(RED)), "tags": True, "k": 1}
    tags = search(client, query)["tags"]
    known = {group.name: group for group in read_taxonomy(DEFAULT_TAXONOMY).groups}
    assert all(tag["label"].casefold() in known[tag["group"]].places for tag in tags)
