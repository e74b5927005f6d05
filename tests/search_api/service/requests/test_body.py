"""Reading of bodies: malformed JSON and forms, other parts, and the size limit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.settings import Settings
from tests.support.service_helpers import error_of, ids

JSON = {"content-type": "application/json"}
FORM = {"content-type": "multipart/form-data; boundary=b"}


def form(name: str, value: bytes, file: str | None = None) -> bytes:
    """The body of a form with one part."""
    filename = "" if file is None else f'; filename="{file}"'
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n'
    return head.encode() + value + b"\r\n--b--\r\n"


def charset(name: str) -> dict[str, str]:
    """The headers of a form that is declared to be in another encoding."""
    return {"content-type": f"{FORM['content-type']}; charset={name}"}


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


@pytest.mark.parametrize("path", ["/v1/search", "/v1/recommend", "/v1/search/batch"])
def test_a_byte_order_mark_is_skipped(client: TestClient, path: str) -> None:
    bodies = {
        "/v1/search": {"text": "red", "k": 1},
        "/v1/recommend": {"liked": ["red"]},
        "/v1/search/batch": {"queries": [{"text": "red"}]},
    }
    body = b"\xef\xbb\xbf" + json.dumps(bodies[path]).encode()
    assert client.post(path, content=body, headers=JSON).status_code == 200


def test_a_byte_order_mark_in_a_form_is_skipped(client: TestClient) -> None:
    content = form("query", b'\xef\xbb\xbf{"text": "red", "k": 1}')
    assert ids(client.post("/v1/search", content=content, headers=FORM)) == ["red"]


def test_an_other_encoding_is_named(client: TestClient) -> None:
    answer = client.post("/v1/search", content='{"text": "red"}'.encode("utf-16"), headers=JSON)
    assert error_of(answer) == (400, "malformed_request")
    assert "UTF-16" in answer.json()["message"]


@pytest.mark.parametrize("path", ["/v1/search", "/v1/tags"])
@pytest.mark.parametrize(("body", "headers"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_bodies(
    client: TestClient, path: str, body: bytes, headers: Mapping[str, str]
) -> None:
    answer = client.post(path, content=body, headers=headers)
    assert error_of(answer) == (400, "malformed_request")


@pytest.mark.parametrize("value", ["null", "[]", "5", '"red"', "true"])
def test_json_that_is_not_an_object(client: TestClient, value: str) -> None:
    answer = client.post("/v1/search", content=value, headers=JSON)
    assert error_of(answer) == (422, "invalid_request")


def test_many_invalid_fields_are_counted_and_not_listed(client: TestClient) -> None:
    answer = client.post("/v1/search", json={f"field{n}": 0 for n in range(50_000)})
    assert error_of(answer) == (422, "invalid_request")
    assert "50,000" in answer.json()["message"]


def test_a_long_name_is_not_sent_back_whole(client: TestClient) -> None:
    answer = client.post("/v1/search", json={"x" * 2**20: 0})
    assert error_of(answer) == (422, "invalid_request")


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


class TestBodyLimit:
    limit = 2**16

    def post_endlessly(
        self, engine: Engine, headers: list[tuple[bytes, bytes]]
    ) -> tuple[int, dict[str, Any], int]:
        """Send a body without end; return the status, the answer, and the bytes that were read."""
        app = create_app(engine, Settings(max_body_bytes=self.limit))
        sent: list[Any] = []
        read = 0

        async def receive() -> dict[str, Any]:
            nonlocal read
            assert read < 10 * self.limit, "the body is read past the limit"
            read += 1000
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
        return sent[0]["status"], json.loads(body), read

    @pytest.mark.parametrize("kind", [b"application/json", b"multipart/form-data; boundary=b"])
    def test_a_chunked_body_is_cut_off(self, colour_engine: Engine, kind: bytes) -> None:
        status, body, read = self.post_endlessly(colour_engine, [(b"content-type", kind)])
        # An invalid form can be refused at its first bytes; nothing is read past the limit.
        assert (status, body["code"]) in [(413, "payload_too_large"), (400, "malformed_request")]
        assert read <= self.limit + 1000

    def test_a_file_that_never_ends_is_cut_off(self, colour_engine: Engine) -> None:
        app = create_app(colour_engine, Settings(max_body_bytes=self.limit))
        client = TestClient(app, raise_server_exceptions=False)
        body = form("image", b"x" * self.limit, "photo.png")
        answer = client.post("/v1/search", content=iter([body]), headers=FORM)
        assert error_of(answer) == (413, "payload_too_large")

    @pytest.mark.parametrize("length", [b"65537", b"9" * 19, b"9" * 5000])
    def test_a_declared_size_is_refused_unread(self, colour_engine: Engine, length: bytes) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        status, body, read = self.post_endlessly(colour_engine, headers)
        assert (status, body["code"], read) == (413, "payload_too_large", 0)

    def test_a_body_of_just_the_limit_is_read(self, colour_engine: Engine) -> None:
        app = create_app(colour_engine, Settings(max_body_bytes=self.limit))
        client = TestClient(app, raise_server_exceptions=False)
        body = json.dumps({"text": "red"}).encode().ljust(self.limit)
        assert ids(client.post("/v1/search", content=body, headers=JSON))[0] == "red"
        answer = client.post("/v1/search", content=body + b" ", headers=JSON)
        assert error_of(answer) == (413, "payload_too_large")
