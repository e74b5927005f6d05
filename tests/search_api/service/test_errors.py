"""Errors of the service: status, code and message of what it can't answer."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from functools import reduce
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.settings import Settings
from tests.support.service_helpers import RED, YELLOW, error_of, image_file


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def jpeg_declaring(width: int, height: int) -> bytes:
    """A small JPEG whose frame header (ITU-T T.81, B.2.2) declares another size."""
    data = bytearray(image_file(RED, "JPEG"))
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    return bytes(data)


def png_declaring(width: int, height: int) -> bytes:
    data = bytearray(image_file(RED))
    struct.pack_into(">II", data, 16, width, height)
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    return bytes(data)


def noise() -> bytes:
    """A JPEG with much to lose: 60 x 60 pixels, no two rows alike."""
    out = io.BytesIO()
    Image.effect_noise((60, 60), 90).save(out, "JPEG", quality=95)
    return out.getvalue()


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"text": "red", "parts": [{"text": "red", "weight": -1}]}, 422, "invalid_query"),
        ({"parts": [{"text": "red", "weight": 0}]}, 422, "invalid_query"),
        ({"text": "red", "fields": ["colour"]}, 422, "invalid_query"),
        ({"text": "red", "facets": ["colour"]}, 422, "invalid_query"),
        ({"text": "red", "filter": {"colour": "red"}}, 422, "invalid_query"),
        ({"text": "red", "filter": {"price": "dear"}}, 422, "invalid_query"),
        (
            {"text": "red", "filter": reduce(lambda f, _: {"not": f}, range(90), {"price": 1})},
            422,
            "invalid_query",
        ),
        ({"text": "red", "group": "colour"}, 422, "invalid_query"),
        ({"like": ["violet"]}, 404, "not_found"),
        ({"text": "red", "parts": [{"like": "../red"}]}, 404, "not_found"),
    ],
)
def test_queries_without_an_answer(
    client: TestClient, query: dict[str, Any], status: int, code: str
) -> None:
    answer = client.post("/v1/search", json=query)
    assert error_of(answer) == (status, code)
    for name in ("colour", "violet"):
        if name in json.dumps(query):
            assert name in answer.json()["message"]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/red.png",
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:10.0.0.1]/",
        "http://0x7f.1/",
        "file:///etc/passwd",
        "ftp://example.com/a.png",
        "data:image/png;base64,AAAA",
        "",
    ],
)
def test_no_url_is_fetched(client: TestClient, url: str) -> None:
    answer = client.post("/v1/search", json={"image_url": url})
    assert error_of(answer) == (400, "url_not_allowed")


IMAGES = {
    "empty": (b"", 415, "unsupported_image"),
    "text": (b"not a picture at all", 415, "unsupported_image"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 415, "unsupported_image"),
    "pdf": (b"%PDF-1.7\n%%EOF\n", 415, "unsupported_image"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "unsupported_image"),
    "cut png": (image_file(YELLOW)[:-15], 422, "broken_image"),
    "cut jpeg": (noise()[:-200], 422, "broken_image"),
    "bomb png": (png_declaring(60_000, 60_000), 422, "image_too_large"),
    "bomb jpeg": (jpeg_declaring(60_000, 60_000), 422, "image_too_large"),
}


@pytest.mark.parametrize(("data", "status", "code"), IMAGES.values(), ids=IMAGES.keys())
def test_unusable_images(client: TestClient, data: bytes, status: int, code: str) -> None:
    query = json.dumps({"labels": ["red"]})
    image = ("photo.jpg", data, "image/jpeg")
    answers = [
        client.post("/v1/search", files={"image": image}),
        client.post("/v1/search", json={"image_base64": encoded(data)}),
        client.post("/v1/search", json={"parts": [{"image_base64": encoded(data)}]}),
        client.post("/v1/tags", files={"image": image}, data={"query": query}),
    ]
    assert [error_of(answer) for answer in answers] == [(status, code)] * len(answers)


def test_an_image_over_the_byte_limit(colour_engine: Engine) -> None:
    app = create_app(colour_engine, Settings(max_image_bytes=50))
    client = TestClient(app, raise_server_exceptions=False)
    answer = client.post("/v1/search", files={"image": ("p", image_file(RED))})
    assert error_of(answer) == (422, "image_too_large")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/items/violet", 404, "not_found"),
        ("GET", "/v1/items/", 404, "not_found"),
        ("GET", "/v1/items/%00", 404, "not_found"),
        ("GET", "/v1/items/%FF", 404, "not_found"),
        ("GET", "/v1/items/..%2F..%2Fetc%2Fpasswd", 404, "not_found"),
        ("GET", "/v1/items/red%2F..%2Fblue", 404, "not_found"),
        ("GET", "/v1/items/RED", 404, "not_found"),
        ("GET", "/v1/items/" + "a" * 5000, 404, "not_found"),
        ("GET", "/v1/items/red/image/1", 404, "not_found"),
        ("GET", "/v1/items/violet/image/0", 404, "not_found"),
        ("GET", "/v1/items/red/image/-1", 404, "not_found"),
        ("GET", "/v1/items/red/image/first", 404, "not_found"),
        ("GET", "/v1/items/red/image/" + "9" * 5000, 404, "not_found"),
        ("GET", "/v1/items/red/image/10001", 422, "invalid_request"),
        ("GET", "/v1/items/red/image/0?size=15", 422, "invalid_request"),
        ("GET", "/v1/items/red/image/0?size=321", 422, "invalid_request"),
        ("GET", "/v1/items/red/image/0?size=x", 422, "invalid_request"),
        ("GET", "/v2/search", 404, "not_found"),
        ("GET", "/static/", 404, "not_found"),
        ("GET", "/static/%00", 404, "not_found"),
        ("GET", "/static/..%2Fapp.py", 404, "not_found"),
        ("GET", "/static/%2Fetc%2Fpasswd", 404, "not_found"),
        ("DELETE", "/v1/items/red", 405, "method_not_allowed"),
        ("PUT", "/v1/search", 405, "method_not_allowed"),
        ("GET", "/v1/tags", 405, "method_not_allowed"),
        ("POST", "/", 405, "method_not_allowed"),
    ],
)
def test_paths_and_methods(
    client: TestClient, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path)
    assert error_of(answer) == (status, code)
    if status == 405:
        assert answer.headers["allow"]
