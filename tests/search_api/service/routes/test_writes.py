"""Writes of products over HTTP, by a service in this process."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from embeddings import FakeEncoder
from indexer.search import Engine
from indexer.storage import Layout, hold_write_lock
from search_api.service.admission.keys import KeyFile, Scope
from search_api.service.app import create_app
from search_api.service.errors import ServeError
from search_api.service.settings import Settings
from tests.support.service_helpers import BLUE, GREEN, error_of, ids, image_file
from tests.support.waiting import until

PURPLE = (128, 0, 128)


def in_base64(colour: tuple[int, int, int]) -> str:
    return base64.b64encode(image_file(colour)).decode()


@pytest.fixture
def folder(colour_engine: Engine, tmp_path: Path) -> Path:
    """A copy of the index of five colours."""
    assert colour_engine.path is not None
    return Path(shutil.copytree(colour_engine.path, tmp_path / "index"))


def open_service(folder: Path, **settings: Any) -> TestClient:
    """A writable service over a folder, with a key that may write."""
    keys = folder.parent / "keys"
    if not keys.exists():
        written = KeyFile(keys).create("shop", [Scope.READ, Scope.WRITE])
        keys.with_name("key").write_text(written)
    engine = Engine.open(folder, FakeEncoder())
    app = create_app(engine, Settings(writable=True, api_keys_file=keys, **settings))
    client = TestClient(app, raise_server_exceptions=False)
    client.headers["X-API-Key"] = keys.with_name("key").read_text()
    return client


@pytest.fixture
def shop(folder: Path) -> Iterator[TestClient]:
    with open_service(folder) as client:
        yield client


def put(client: TestClient, product: str, colour: tuple[int, int, int], **body: Any) -> Any:
    body = {"image_base64": in_base64(colour), **body}
    return client.put(f"/v1/items/{product}?refresh=wait", json=body)


def test_a_new_product_is_found_at_once_and_stays(shop: TestClient, folder: Path) -> None:
    answer = put(shop, "purple", PURPLE, fields={"title": "A purple thing", "price": 7})
    assert answer.status_code == 201, answer.text
    assert answer.json() == {
        "id": "purple", "version": 1, "result": "created", "searchable": True
    }  # fmt: skip
    found = shop.post("/v1/search", json={"image_base64": in_base64(PURPLE), "k": 1})
    assert ids(found) == ["purple"]
    assert found.json()["hits"][0]["fields"] == {"title": "A purple thing", "price": 7.0}
    assert ids(shop.get("/v1/search?q=purple&mode=keyword")) == ["purple"]
    assert shop.get("/v1/items/purple/image/0").status_code == 200
    assert "purple" in Engine.open(folder, FakeEncoder()).index


def test_a_form_has_files_and_the_same_json(shop: TestClient) -> None:
    files = [("image", ("a.png", image_file(PURPLE))), ("image", ("b.png", image_file(GREEN)))]
    answer = shop.put(
        "/v1/items/two?refresh=wait", files=files, data={"query": '{"fields": {"size": 3}}'}
    )
    assert answer.status_code == 201, answer.text
    assert len(shop.get("/v1/items/two").json()["images"]) == 2
    assert shop.get("/v1/items/two").json()["fields"] == {"size": 3}


def test_putting_a_known_product_replaces_all_of_it(shop: TestClient) -> None:
    answer = put(shop, "red", BLUE, fields={"title": "Now blue"})
    assert (answer.status_code, answer.json()["result"]) == (200, "updated")
    found = shop.post("/v1/search", json={"image_base64": in_base64(BLUE), "k": 2})
    assert set(ids(found)) == {"red", "blue"}
    assert shop.get("/v1/items/red").json()["fields"] == {"title": "Now blue"}


def test_a_patch_changes_fields_for_filters_sorts_and_words(shop: TestClient) -> None:
    answer = shop.patch(
        "/v1/items/red?refresh=wait",
        json={"fields": {"price": 99, "title": "A crimson thing", "stock": 4}},
    )
    assert (answer.status_code, answer.json()["result"]) == (200, "updated")
    dear = shop.post("/v1/search", json={"filter": {"price": {"gte": 50}}})
    assert ids(dear) == ["red"]
    assert (
        ids(shop.post("/v1/search", json={"sort": [{"field": "price", "order": "desc"}]}))[0]
        == "red"
    )
    assert ids(shop.get("/v1/search?q=crimson&mode=keyword")) == ["red"]
    removed = shop.patch("/v1/items/red?refresh=wait", json={"fields": {"stock": None}})
    assert removed.json()["version"] == 2
    assert "stock" not in shop.get("/v1/items/red").json()["fields"]


def test_a_deleted_product_is_not_found(shop: TestClient) -> None:
    answer = shop.delete("/v1/items/red?refresh=wait")
    assert (answer.status_code, answer.json()["result"]) == (200, "deleted")
    assert "red" not in ids(shop.post("/v1/search", json={"k": 10}))
    assert error_of(shop.get("/v1/items/red")) == (404, "not_found")
    assert error_of(shop.delete("/v1/items/red")) == (404, "not_found")
    assert error_of(shop.patch("/v1/items/red", json={"fields": {"a": 1}})) == (404, "not_found")


def test_all_products_may_be_deleted_and_new_ones_put(shop: TestClient) -> None:
    for product in ids(shop.post("/v1/search", json={"k": 10})):
        assert shop.delete(f"/v1/items/{product}?refresh=wait").status_code == 200
    assert ids(shop.post("/v1/search", json={"text": "thing"})) == []
    assert put(shop, "blue", BLUE).json()["result"] == "created"
    assert ids(shop.post("/v1/search", json={"image_base64": in_base64(BLUE)})) == ["blue"]


def test_an_older_version_never_wins(shop: TestClient) -> None:
    body = {"fields": {"price": 5}, "version": 10}
    assert shop.patch("/v1/items/red", json=body).json()["version"] == 10
    again = shop.patch("/v1/items/red", json=body)
    assert (again.status_code, again.json()["result"]) == (200, "unchanged")
    for older in ({"fields": {"price": 6}, "version": 9}, {"fields": {"price": 6}, "version": 10}):
        assert error_of(shop.patch("/v1/items/red", json=older)) == (409, "version_conflict")
    assert error_of(shop.delete("/v1/items/red?version=3")) == (409, "version_conflict")
    assert shop.delete("/v1/items/red").json()["version"] == 11
    late = {"image_base64": in_base64(BLUE), "version": 11}
    assert error_of(shop.put("/v1/items/red", json=late)) == (409, "version_conflict")


def test_an_idempotency_key_gives_the_same_answer(shop: TestClient) -> None:
    headers = {"Idempotency-Key": "first"}
    one = shop.patch("/v1/items/red", json={"fields": {"price": 5}}, headers=headers)
    two = shop.patch("/v1/items/red", json={"fields": {"price": 5}}, headers=headers)
    assert (one.json()["version"], two.json()["version"]) == (1, 1)
    other = shop.patch("/v1/items/red", json={"fields": {"price": 6}}, headers=headers)
    assert error_of(other) == (422, "idempotency_key_reused")
    assert shop.patch("/v1/items/red", json={"fields": {"price": 6}}).json()["version"] == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"price": "cheap"},
        {"price": [1, 2]},
        {"price": True},
        {"title": ["a", "b"]},
        {"title": "\ud800"},
        {"": 1},
    ],
    ids=["word", "list", "boolean", "texts", "surrogate", "no name"],
)
def test_a_value_that_does_not_fit_is_refused(shop: TestClient, fields: Any) -> None:
    answer = shop.patch("/v1/items/red", content=json.dumps({"fields": fields}))
    assert answer.status_code in (400, 422)
    assert error_of(answer)[1] in ("invalid_write", "malformed_request", "invalid_request")
    assert shop.patch("/v1/items/red", json={"fields": {"price": 1}}).json()["version"] == 1


def test_a_new_field_keeps_the_type_of_its_first_value(shop: TestClient) -> None:
    assert shop.patch("/v1/items/red", json={"fields": {"stock": 3}}).status_code == 200
    wrong = shop.patch("/v1/items/blue", json={"fields": {"stock": "many"}})
    assert error_of(wrong) == (422, "invalid_write")
    wider = shop.patch("/v1/items/blue?refresh=wait", json={"fields": {"stock": 2.5}})
    assert wider.json()["searchable"]
    found = shop.post("/v1/search", json={"filter": {"stock": {"gt": 2}}})
    assert sorted(ids(found)) == ["blue", "red"]


def test_a_product_needs_images_that_can_be_used(shop: TestClient) -> None:
    none = shop.put("/v1/items/new", json={"fields": {"price": 1}})
    assert error_of(none) == (422, "invalid_request")
    broken = base64.b64encode(image_file(BLUE)[:60]).decode()
    assert error_of(shop.put("/v1/items/new", json={"image_base64": broken}))[0] == 422
    url = {"image_url": "https://shop.example/a.jpg"}
    assert error_of(shop.put("/v1/items/new", json=url)) == (400, "url_not_allowed")
    assert error_of(shop.get("/v1/items/new")) == (404, "not_found")


@pytest.mark.parametrize("product", ["a%0Ab", "x" * 600], ids=["control", "long"])
def test_an_id_that_a_catalog_could_not_have_is_refused(shop: TestClient, product: str) -> None:
    assert error_of(put(shop, product, BLUE)) == (422, "invalid_write")


def test_a_service_that_only_reads_says_so(client: TestClient) -> None:
    body = {"fields": {"price": 1}}
    for answer in (
        client.patch("/v1/items/red", json=body),
        client.delete("/v1/items/red"),
        put(client, "red", BLUE),
    ):
        assert error_of(answer) == (405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD"
    assert set(client.get("/openapi.json").json()["paths"]["/v1/items/{product_id}"]) == {"get"}


def test_writes_need_keys_with_their_scope(shop: TestClient, folder: Path) -> None:
    reader = KeyFile(folder.parent / "keys").create("reader", [Scope.READ])
    with open_service(folder) as client:
        answer = client.delete("/v1/items/red", headers={"X-API-Key": reader})
        assert error_of(answer) == (403, "forbidden")
        assert error_of(client.delete("/v1/items/red", headers={"X-API-Key": "x" * 30}))[0] == 401
    with pytest.raises(ServeError, match="needs API keys"):
        create_app(Engine.open(folder, FakeEncoder()), Settings(writable=True))


def test_what_could_not_be_published_is_after_a_restart(folder: Path) -> None:
    with hold_write_lock(Layout(folder)), open_service(folder) as client:
        answer = client.patch("/v1/items/red", json={"fields": {"price": 77}})
        assert answer.json() == {
            "id": "red", "version": 1, "result": "updated", "searchable": False
        }  # fmt: skip

        def refused() -> bool:
            answer = client.patch("/v1/items/blue", json={"fields": {"price": 1}})
            return answer.status_code == 503 and error_of(answer)[1] == "index_locked"

        until(refused)
    with open_service(folder) as client:
        until(lambda: client.get("/v1/items/red").json()["fields"]["price"] == 77)
        assert client.patch("/v1/items/red", json={"fields": {"price": 1}}).json()["version"] == 2


def test_the_document_has_the_routes_with_their_bodies(shop: TestClient) -> None:
    document = shop.get("/openapi.json").json()
    item = document["paths"]["/v1/items/{product_id}"]
    assert set(item) == {"get", "put", "patch", "delete"}
    assert set(item["put"]["requestBody"]["content"]) == {"application/json", "multipart/form-data"}
    assert {"200", "201", "403", "409", "422"} <= set(item["put"]["responses"])
    assert document["components"]["schemas"]["PatchItemRequest"]["properties"]["fields"]["examples"]


def test_embedding_a_product_waits_for_its_turn_as_searches_do(folder: Path) -> None:
    with open_service(folder) as client:
        app: Any = client.app
        middleware = next(each for each in app.user_middleware if "door" in each.kwargs)
        middleware.kwargs["door"]._seconds = 1e-9
        assert error_of(put(client, "new", BLUE)) == (504, "deadline_exceeded")
        assert client.patch("/v1/items/red", json={"fields": {"price": 1}}).status_code == 200
