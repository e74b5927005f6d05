"""HTTP messages of a call: its request, and the result or the error that an answer means."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

import httpx

from search_api.client.calls import Call
from search_api.client.errors import (
    ClientError,
    ConnectionFailedError,
    NoAnswerInTimeError,
    UnexpectedAnswerError,
    service_error,
)
from search_api.client.results import ErrorAnswer, parse

__all__ = ["connection_error", "read_answer", "request_of"]

T = TypeVar("T")

# Proxies in front of the service answer these in words of their own.
_PROXY_STATUSES = {429, 502, 503, 504}

# Digits of a Retry-After that are read; ten are over three hundred years.
_MAX_DIGITS = 10


def request_of(call: Call[T], client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
    """Build a call's request with a client's address, headers and timeouts, whole in memory."""
    if call.body is None:
        return client.build_request(call.method, call.path, params=list(call.parameters) or None)
    body = json.dumps(call.body, allow_nan=False).encode()
    if call.upload is None:
        headers = {"Content-Type": "application/json"}
        return client.build_request(call.method, call.path, content=body, headers=headers)
    form = {
        "image": ("image", call.upload, "application/octet-stream"),
        "query": ("query", body, "application/json"),
    }
    request = client.build_request(call.method, call.path, files=form)
    request.read()  # so that it can be sent again, by either kind of client
    return request


def read_answer(call: Call[T], answer: httpx.Response) -> T:
    """Return the result of a call.

    Args:
        call: The call.
        answer: Its answer, read to the end.

    Raises:
        ServiceError: The service refused the call.
        UnexpectedAnswerError: This is not an answer of the service.
    """
    if answer.status_code != HTTPStatus.OK:
        raise _refusal(answer)
    return call.read(answer.content)


def connection_error(error: httpx.RequestError) -> ClientError:
    """Convert an error of the connection."""
    reason = str(error) or type(error).__name__
    if isinstance(error, httpx.DecodingError):
        return UnexpectedAnswerError(f"The answer can't be decoded: {reason}.")
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return ConnectionFailedError(f"The service can't be reached in time: {reason}.")
    if isinstance(error, httpx.TimeoutException):
        return NoAnswerInTimeError(f"The service did not answer within the timeout: {reason}.")
    return ConnectionFailedError(f"The service can't be reached: {reason}.")


def _refusal(answer: httpx.Response) -> ClientError:
    try:
        refusal = parse(ErrorAnswer, answer.content)
    except UnexpectedAnswerError:
        if answer.status_code not in _PROXY_STATUSES:
            return UnexpectedAnswerError(
                f"{answer.request.url} answered {answer.status_code}, but not as Lookalike does; "
                "is this the service's address?"
            )
        refusal = ErrorAnswer("unexpected_answer", f"HTTP {answer.status_code}.")
    return service_error(
        refusal.code,
        refusal.message,
        answer.status_code,
        refusal.request_id,
        _retry_after(answer.headers.get("Retry-After", "").strip()),
    )


def _retry_after(value: str) -> float | None:
    """Return the seconds of a Retry-After, from its number or its date (RFC 9110, 10.2.3)."""
    if value.isascii() and value.isdigit():
        return float(value[:_MAX_DIGITS])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
