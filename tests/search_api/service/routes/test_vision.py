"""Looking into images over HTTP: what is found, and every wrong input."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageDraw, ImageFont

from embeddings import VisionUnavailableError
from embeddings.vision import INSTALL, examination
from embeddings.vision.shipped import ShippedModel
from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.routes import vision
from search_api.service.serving import ImageFile, QueryImage, answering
from search_api.service.serving.decode_task import QueryDecodeTask
from search_api.service.settings import Settings, UploadModeration
from tests.embeddings.vision.images import scene
from tests.support.processes import PATIENCE
from tests.support.service_helpers import BLUE, RED, error_of, ids, image_file

ROUTES = ("/v1/detect", "/v1/moderate", "/v1/read")


class Refusing(QueryDecodeTask):
    """Judges by colour in place of the classifier: no test needs an offensive image."""

    def __call__(self, file: ImageFile) -> QueryImage:
        examination.unsafe_score = lambda image: float(image.getpixel((0, 0)) == BLUE)
        return super().__call__(file)


@pytest.fixture(scope="module")
def client(colour_engine: Engine) -> Iterator[TestClient]:
    settings = Settings(deadline_seconds=PATIENCE, vision_seconds=PATIENCE)
    with TestClient(create_app(colour_engine, settings), raise_server_exceptions=False) as client:
        yield client


def png(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def post(client: TestClient, path: str, data: bytes, **query: Any) -> Any:
    body = {"image_base64": base64.b64encode(data).decode(), **query}
    return client.post(path, json=body)


def test_an_ordinary_image_is_fit_to_show(client: TestClient) -> None:
    answer = post(client, "/v1/moderate", image_file(RED))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert 0 <= body["unsafe"] < 0.5
    assert (body["held"], body["threshold"]) == (False, 0.8)
    assert {tag["group"] for tag in body["tags"]} <= {"moderation"}
    skin = post(client, "/v1/moderate", image_file(RED), skin=True).json()
    assert (skin["unsafe"], skin["threshold"]) == (body["unsafe"], 0.95)


def test_words_are_read(client: TestClient) -> None:
    image = Image.new("RGB", (320, 120), "white")
    ImageDraw.Draw(image).text((20, 30), "Barista", font=ImageFont.load_default(40), fill="black")
    upload = client.post("/v1/read", files={"image": png(image)})
    assert upload.status_code == 200, upload.text
    assert upload.json()["text"] == "Barista"
    (line,) = upload.json()["lines"]
    assert line["text"] == "Barista"
    assert 0 <= line["box"][0] < line["box"][2] <= 1
    nothing = post(client, "/v1/read", image_file(RED)).json()
    assert (nothing["text"], nothing["lines"]) == ("", [])


def test_unfit_uploads_are_refused_where_that_is_set(
    colour_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "QueryDecodeTask", Refusing)
    settings = Settings(deadline_seconds=PATIENCE, moderate=UploadModeration.REFUSE)
    with TestClient(create_app(colour_engine, settings), raise_server_exceptions=False) as client:
        for path, fields in (("/v1/search", {}), ("/v1/tags", {"labels": ["a"]})):
            assert post(client, path, image_file(RED), **fields).status_code == 200
            refused = post(client, path, image_file(BLUE), **fields)
            assert error_of(refused) == (422, "picture_refused")


def test_items_are_found_and_searched_for(client: TestClient) -> None:
    image = png(scene()[0])
    found = post(client, "/v1/detect", image)
    assert found.status_code == 200, found.text
    objects = found.json()["objects"]
    assert 2 <= len(objects) <= 15
    assert set(objects[0]) == {"box", "label", "confidence"}
    searched = post(client, "/v1/search", image, items="auto", k=2)
    assert searched.status_code == 200, searched.text
    answer = searched.json()
    assert [{name: one[name] for name in objects[0]} for one in answer["objects"]] == objects
    plain = post(client, "/v1/search", image, k=2).json()
    assert ids(searched) == [hit["id"] for hit in plain["hits"]]
    for one in answer["objects"]:
        cut = post(client, "/v1/search", image, k=2, region=one["box"])
        assert [hit["id"] for hit in one["hits"]] == ids(cut)


def test_words_and_filters_count_for_each_item(client: TestClient) -> None:
    image = png(scene()[0])
    query = {"items": "auto", "k": 1, "text": "red", "explain": True}
    answer = post(client, "/v1/search", image, **query)
    assert answer.status_code == 200, answer.text
    assert all(len(one["hits"]) == 1 for one in answer.json()["objects"])
    assert post(client, "/v1/search", image_file(RED), items="auto").json()["objects"] == []


def test_items_are_those_of_the_querys_own_image(client: TestClient) -> None:
    image = base64.b64encode(png(scene()[0])).decode()
    red = base64.b64encode(image_file(RED)).decode()
    for query in ({"text": "red"}, {"like": ["red"]}, {"parts": [{"image_base64": image}]}):
        answer = client.post("/v1/search", json={"items": "auto", **query})
        assert answer.status_code == 200, answer.text
        assert answer.json()["objects"] == []
    both = {"image_base64": image, "parts": [{"image_base64": red, "weight": 0.5}], "k": 1}
    answer = client.post("/v1/search", json={"items": "auto", **both}).json()
    one = answer["objects"][0]
    cut = client.post("/v1/search", json={**both, "region": one["box"]}).json()
    assert one["hits"] == cut["hits"]
    region = {"image_base64": image, "region": [0, 0, 0.5, 0.5]}
    wrong = client.post("/v1/search", json={"items": "auto", **region})
    assert error_of(wrong) == (422, "invalid_request")
    assert error_of(post(client, "/v1/search", image_file(RED), items="all")) == (
        422, "invalid_request",
    )  # fmt: skip


@pytest.mark.parametrize("path", ROUTES)
def test_wrong_images_are_errors_of_the_caller(client: TestClient, path: str) -> None:
    whole = image_file(RED, size=(300, 300))
    for data, wanted in (
        (b"no picture", (415, "unsupported_image")),
        (whole[:-40], (422, "broken_image")),
        (b"", (415, "unsupported_image")),
    ):
        assert error_of(post(client, path, data)) == wanted
    for body in ({}, {"image_base64": "AAAA", "image_url": "https://shop.example/a.jpg"}):
        assert error_of(client.post(path, json=body)) == (422, "invalid_request")
    assert error_of(client.post(path, json={"image_base64": "?"})) == (422, "invalid_request")
    assert error_of(post(client, path, whole, colour="red")) == (422, "invalid_request")
    url = {"image_url": "https://shop.example/a.jpg"}
    assert error_of(client.post(path, json=url)) == (400, "url_not_allowed")


@pytest.mark.parametrize("path", ROUTES)
def test_without_the_extra_the_answer_has_the_command(
    client: TestClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise VisionUnavailableError(f"This needs a package. Install it: {INSTALL}")

    monkeypatch.setattr(vision, "check_moderation", missing)
    monkeypatch.setattr(vision, "check_reading", missing)
    monkeypatch.setattr(ShippedModel, "runtime", lambda _: missing())
    answer = post(client, path, image_file(RED))
    assert error_of(answer) == (501, "vision_not_installed")
    assert "pip install 'lookalike[vision]'" in answer.json()["message"]
