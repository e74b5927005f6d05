"""What the service answers to requests that it can't serve: status, code, and words that help."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import struct
import zlib
from collections.abc import Mapping
from functools import reduce
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.settings import Settings
from tests.support.service_helpers import RED, YELLOW, error_of, picture

JSON = {"content-type": "application/json"}
FORM = {"content-type": "multipart/form-data; boundary=b"}


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def form(name: str, value: bytes, file: str | None = None) -> bytes:
    """The body of a form with one part."""
    filename = "" if file is None else f'; filename="{file}"'
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n'
    return head.encode() + value + b"\r\n--b--\r\n"


def charset(name: str) -> dict[str, str]:
    """The headers of a form said to be in another encoding."""
    return {"content-type": f"{FORM['content-type']}; charset={name}"}


def jpeg_declaring(width: int, height: int) -> bytes:
    """A small JPEG whose frame header (ITU-T T.81, B.2.2) tells another size."""
    data = bytearray(picture(RED, "JPEG"))
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    return bytes(data)


def png_declaring(width: int, height: int) -> bytes:
    data = bytearray(picture(RED))
    struct.pack_into(">II", data, 16, width, height)
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    return bytes(data)


def noise() -> bytes:
    """A JPEG with much to lose: 60 x 60 pixels, no two rows alike."""
    out = io.BytesIO()
    Image.effect_noise((60, 60), 90).save(out, "JPEG", quality=95)
    return out.getvalue()


MALFORMED = {
    "empty": (b"", JSON),
    "no JSON": (b"text=red", JSON),
    "cut short": (b'{"text": "red"', JSON),
    "two values": (b"{} {}", JSON),
    "deep": (b"[" * 100_000, JSON),
    "half a surrogate": (b'{"text": "\\ud800"}', JSON),
    "latin-1": ('{"text": "größe"}'.encode("latin-1"), JSON),
    "utf-16": ('{"text": "red"}'.encode("utf-16"), JSON),
    "huge number": (b'{"text": "red", "k": ' + b"9" * 10_000 + b"}", JSON),
    "text": (b'{"text": "red"}', {"content-type": "text/plain"}),
    "web form": (b"text=red", {"content-type": "application/x-www-form-urlencoded"}),
    "no boundary": (form("query", b"{}"), {"content-type": "multipart/form-data"}),
    "other boundary": (form("query", b"{}"), {"content-type": "multipart/form-data; boundary=c"}),
    "no name": (b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--\r\n", FORM),
    "JSON of a form": (form("query", b"{"), FORM),
    "large JSON of a form": (form("query", b" " * (2**20 + 1)), FORM),
    "many parts": (b"".join(form("query", b"{}")[:-7] for _ in range(9)), FORM),
    "utf-7": (form("query", b'{"text": "+2AA-"}'), charset("utf-7")),
    "undefined": (form("query", b"{}"), charset("undefined")),
    "punycode": (form("\xff", b"{}"), charset('"punycode"')),
}  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/search", "/v1/tags"])
@pytest.mark.parametrize(("body", "headers"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_body_that_can_not_be_read(
    client: TestClient, path: str, body: bytes, headers: Mapping[str, str]
) -> None:
    answer = client.post(path, content=body, headers=headers)
    assert error_of(answer) == (400, "malformed_request")


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
    ("k", {"k": 5.0}),
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
    ("image_base64", {"image_base64": "abc"}),
    ("fields.0", {"fields": ["a" * 513]}),
    ("shade", {"shade": "red"}),
    ("colour", {"colour": 7}),
    ("Text", {"Text": "red"}),
]


@pytest.mark.parametrize(("field", "given"), INVALID)
def test_the_field_that_is_wrong_is_named(
    client: TestClient, field: str, given: dict[str, Any]
) -> None:
    body = json.dumps({"text": "red"} | given)
    answer = client.post("/v1/search", content=body, headers=JSON)
    assert error_of(answer) == (422, "invalid_request")
    assert answer.json()["message"].startswith(f"{field}: ")


@pytest.mark.parametrize("value", ["null", "[]", "5", '"red"', "true"])
def test_json_that_is_no_object(client: TestClient, value: str) -> None:
    answer = client.post("/v1/search", content=value, headers=JSON)
    assert error_of(answer) == (422, "invalid_request")


def test_many_wrong_fields_are_counted_not_listed(client: TestClient) -> None:
    answer = client.post("/v1/search", json={f"field{n}": 0 for n in range(50_000)})
    assert error_of(answer) == (422, "invalid_request")
    assert "50,000" in answer.json()["message"]


def test_a_long_name_is_not_sent_back_whole(client: TestClient) -> None:
    answer = client.post("/v1/search", json={"x" * 2**20: 0})
    assert error_of(answer) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 422, "invalid_query"),
        ({"like": [], "parts": []}, 422, "invalid_query"),
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
def test_a_query_that_means_nothing(
    client: TestClient, query: dict[str, Any], status: int, code: str
) -> None:
    answer = client.post("/v1/search", json=query)
    assert error_of(answer) == (status, code)
    for name in ("colour", "violet"):
        if name in json.dumps(query):
            assert name in answer.json()["message"]


@pytest.mark.parametrize(
    "parameters",
    ["", "q=", "q=%20", "q=red&k=0", "q=red&k=x", "q=red&offset=-1", "q=red&k=1e3",
     "q=red&k=" + "9" * 5000, "q=" + "a" * 2001],
)  # fmt: skip
def test_wrong_parameters_of_a_text_search(client: TestClient, parameters: str) -> None:
    answer = client.get(f"/v1/search?{parameters}")
    assert error_of(answer) == (422, "invalid_request")
    assert answer.json()["message"].partition(":")[0] in ("q", "k", "offset")


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


PICTURES = {
    "empty": (b"", 415, "unsupported_image"),
    "text": (b"not a picture at all", 415, "unsupported_image"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 415, "unsupported_image"),
    "pdf": (b"%PDF-1.7\n%%EOF\n", 415, "unsupported_image"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "unsupported_image"),
    "cut png": (picture(YELLOW)[:-15], 422, "broken_image"),
    "cut jpeg": (noise()[:-200], 422, "broken_image"),
    "bomb png": (png_declaring(60_000, 60_000), 422, "image_too_large"),
    "bomb jpeg": (jpeg_declaring(60_000, 60_000), 422, "image_too_large"),
}


@pytest.mark.parametrize(("data", "status", "code"), PICTURES.values(), ids=PICTURES.keys())
def test_pictures_that_can_not_be_used(
    client: TestClient, data: bytes, status: int, code: str
) -> None:
    query = json.dumps({"labels": ["red"]})
    image = ("photo.jpg", data, "image/jpeg")
    answers = [
        client.post("/v1/search", files={"image": image}),
        client.post("/v1/search", json={"image_base64": encoded(data)}),
        client.post("/v1/search", json={"parts": [{"image_base64": encoded(data)}]}),
        client.post("/v1/tags", files={"image": image}, data={"query": query}),
    ]
    assert [error_of(answer) for answer in answers] == [(status, code)] * len(answers)


def test_a_picture_over_the_byte_limit(colour_engine: Engine) -> None:
    app = create_app(colour_engine, Settings(max_image_bytes=50))
    client = TestClient(app, raise_server_exceptions=False)
    answer = client.post("/v1/search", files={"image": ("p", picture(RED))})
    assert error_of(answer) == (422, "image_too_large")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (form("photo", b"1", "photo.png"), "photo"),
        (form("image", b"1"), "file part"),
        (form("image", b"1", "a")[:-7] + form("image", b"1", "b"), "once"),
        (form("query", b"{}")[:-7] + form("query", b"{}"), "once"),
    ],
)
def test_forms_with_other_parts(client: TestClient, body: bytes, word: str) -> None:
    answer = client.post("/v1/search", content=body, headers=FORM)
    assert error_of(answer) == (422, "invalid_request")
    assert word in answer.json()["message"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "labels"),
        ({"labels": []}, "labels"),
        ({"labels": ["a", " "]}, "labels.1"),
        ({"labels": ["a" * 201]}, "labels.0"),
        ({"labels": ["a"] * 1001}, "labels"),
        ({"labels": "a,b"}, "labels"),
        ({"labels": ["a"], "top": 0}, "top"),
        ({"labels": ["a"], "top": "3"}, "top"),
        ({"labels": ["a"], "text": "a"}, "text"),
        ({"labels": ["a"]}, "image"),
    ],
)
def test_tags_that_can_not_be_given(client: TestClient, query: dict[str, Any], field: str) -> None:
    answer = client.post("/v1/tags", json=query)
    assert error_of(answer) == (422, "invalid_request")
    assert answer.json()["message"].startswith(f"{field}: ")


def test_tags_are_of_one_picture(client: TestClient) -> None:
    query = json.dumps({"labels": ["a"], "image_base64": encoded(picture(RED))})
    answer = client.post("/v1/tags", data={"query": query}, files={"image": ("p", picture(RED))})
    assert error_of(answer) == (422, "invalid_request")


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


class TestBodyLimit:
    limit = 2**16

    def post_endlessly(
        self, engine: Engine, headers: list[tuple[bytes, bytes]]
    ) -> tuple[int, dict[str, Any], int]:
        """A request whose body never ends: status, answer, and the bytes that were taken of it."""
        app = create_app(engine, Settings(max_body_bytes=self.limit))
        sent: list[Any] = []
        taken = 0

        async def receive() -> dict[str, Any]:
            nonlocal taken
            assert taken < 10 * self.limit, "the body is read past the limit"
            taken += 1000
            return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
            "scheme": "http", "path": "/v1/search", "raw_path": b"/v1/search", "root_path": "",
            "query_string": b"", "headers": headers, "client": ("c", 1), "server": ("s", 80),
        }  # fmt: skip
        asyncio.run(app(scope, receive, send))
        body = b"".join(message.get("body", b"") for message in sent)
        return sent[0]["status"], json.loads(body), taken

    @pytest.mark.parametrize("kind", [b"application/json", b"multipart/form-data; boundary=b"])
    def test_a_chunked_body_is_cut_off(self, colour_engine: Engine, kind: bytes) -> None:
        status, body, taken = self.post_endlessly(colour_engine, [(b"content-type", kind)])
        # What is no form can be refused at its first bytes; nothing is read past the limit.
        assert (status, body["code"]) in [(413, "payload_too_large"), (400, "malformed_request")]
        assert taken <= self.limit + 1000

    def test_a_file_that_never_ends_is_cut_off(self, colour_engine: Engine) -> None:
        app = create_app(colour_engine, Settings(max_body_bytes=self.limit))
        client = TestClient(app, raise_server_exceptions=False)
        body = form("image", b"x" * self.limit, "photo.png")
        answer = client.post("/v1/search", content=iter([body]), headers=FORM)
        assert error_of(answer) == (413, "payload_too_large")

    @pytest.mark.parametrize("length", [b"65537", b"9" * 19, b"9" * 5000])
    def test_a_declared_size_is_refused_unread(self, colour_engine: Engine, length: bytes) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        status, body, taken = self.post_endlessly(colour_engine, headers)
        assert (status, body["code"], taken) == (413, "payload_too_large", 0)

    def test_a_body_of_just_the_limit_is_read(self, colour_engine: Engine) -> None:
        app = create_app(colour_engine, Settings(max_body_bytes=self.limit))
        client = TestClient(app, raise_server_exceptions=False)
        body = json.dumps({"text": "red"}).encode().ljust(self.limit)
        assert client.post("/v1/search", content=body, headers=JSON).status_code == 200
        answer = client.post("/v1/search", content=body + b" ", headers=JSON)
        assert error_of(answer) == (413, "payload_too_large")
