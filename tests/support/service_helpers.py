"""Helpers of the service's tests: image files, and checks of the shape of every error."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any, Protocol

from PIL import Image

Colour = tuple[int, int, int]

RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Parts of a message that reveals an exception or a path of the server.
LEAK = re.compile(r"Traceback|site-packages|/tmp/|/root/|/home/|/usr/|\.py\b|object at 0x")


class Answer(Protocol):
    """Answers of httpx and of starlette's test client."""

    status_code: int

    @property
    def text(self) -> str: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def json(self) -> Any: ...


def image_file(colour: Colour, kind: str = "PNG", size: tuple[int, int] = (32, 32)) -> bytes:
    """An image file of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


def ids(answer: Answer) -> list[str]:
    """The ids of a search's hits."""
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["hits"]]


def error_of(answer: Answer) -> tuple[int, str]:
    """Status and code of an error, after a check of its shape, and that it reveals nothing."""
    body = answer.json()
    assert set(body) == {"code", "message", "request_id"}
    assert body["request_id"] == answer.headers["x-request-id"]
    assert REQUEST_ID.fullmatch(body["request_id"])
    assert re.fullmatch(r"[a-z_]+", body["code"])
    assert body["message"].strip()
    assert len(body["message"]) <= 2001
    assert not LEAK.search(body["message"]), body["message"]
    return answer.status_code, body["code"]


def assert_polite(answer: Answer) -> None:
    """Check an answer to arbitrary input: a success, or an error of the caller in its shape."""
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        error_of(answer)
