"""What several tests of the service need: small pictures, and the shape that every error has."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any, Protocol

from PIL import Image

Colour = tuple[int, int, int]

RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# What a message would hold if an exception or a file's place got out.
LEAK = re.compile(r"Traceback|site-packages|/tmp/|/root/|/home/|/usr/|\.py\b|object at 0x")


class Answer(Protocol):
    """What httpx and starlette's test client have in common."""

    status_code: int

    @property
    def text(self) -> str: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def json(self) -> Any: ...


def picture(colour: Colour, kind: str = "PNG", size: tuple[int, int] = (32, 32)) -> bytes:
    """A file of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


def ids(answer: Answer) -> list[str]:
    """The products of a search's answer."""
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["hits"]]


def error_of(answer: Answer) -> tuple[int, str]:
    """Status and code of an error, after checking that it has the shape of one and no secrets."""
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
    """An answer to arbitrary input: a success, or an error of the caller's in its right shape."""
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        error_of(answer)
