"""Errors of the client: which answer of a service, or of something else, raises which."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from search_api.client import (
    BadRequestError,
    DeadlineError,
    InvalidRequestError,
    NotFoundError,
    ServerError,
    ServiceError,
    TooLargeError,
    UnauthorizedError,
    UnexpectedAnswerError,
    UnsupportedPictureError,
)
from tests.support.client_kinds import Kind, MakeClient, Service, ok, refusal


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, BadRequestError),
        (401, UnauthorizedError),
        (404, NotFoundError),
        (405, ServiceError),
        (413, TooLargeError),
        (415, UnsupportedPictureError),
        (422, InvalidRequestError),
        (500, ServerError),
        (504, DeadlineError),
        (507, ServerError),
    ],
)
def test_refusals_are_raised_at_once(
    status: int, error: type[ServiceError], make_client: MakeClient
) -> None:
    service = Service(refusal(status))
    with pytest.raises(error) as raised:
        make_client(service).search(text="red")
    assert type(raised.value) is error
    told = raised.value
    assert (told.status, told.code, told.message) == (status, "some_code", "Do this.")
    assert told.request_id == "4f1c"
    assert str(told) == f"Do this. ({status} some_code, request 4f1c)"
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 200, "text": "<html>Welcome</html>"},
        {"status_code": 200, "json": {"hits": []}},
        {"status_code": 200, "json": []},
        {"status_code": 302, "headers": {"location": "/"}},
        {"status_code": 404, "text": "<html>nginx</html>"},
        {"status_code": 500, "json": {"detail": "x"}},
        {
            "status_code": 200,
            "stream": httpx.ByteStream(b"this is not compressed"),
            "headers": {"content-encoding": "gzip"},
        },
    ],
)
def test_answers_of_something_else(answer: dict[str, Any], make_client: MakeClient) -> None:
    service = Service(httpx.Response(**answer))
    with pytest.raises(UnexpectedAnswerError):
        make_client(service).search(text="red")
    assert len(service.requests) == 1


def test_readiness_is_asked_once(make_client: MakeClient, waits: list[float]) -> None:
    service = Service(ok({"status": "ready"}), refusal(503, "not_ready"), httpx.ConnectError)
    client = make_client(service)
    assert [client.ready() for _ in range(3)] == [True, False, False]
    assert waits == []


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://shop.example", ""])
def test_urls_need_a_scheme(url: str, kind: Kind) -> None:
    with pytest.raises(ValueError, match="http://"):
        kind(url)
