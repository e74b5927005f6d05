"""Errors of the HTTP edge, and the one table from error to status code.

LookalikeError (embeddings.errors)
└── RequestError
    ├── MalformedRequestError   400  not JSON, or not the multipart form the route takes
    ├── UrlNotAllowedError      400  a picture's URL that is not fetched
    ├── PayloadTooLargeError    413  the body, or a picture at a URL, is over the limit
    ├── InvalidRequestError     422  a field that is missing, unknown or out of range
    ├── UrlUnreachableError     422  there is no picture to be had at a URL
    └── UrlTimeoutError         504  a picture's URL answers too slowly
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from embeddings import BrokenImageError, ImageTooLargeError, LookalikeError, UnsupportedImageError
from indexer import QueryError, UnknownProductError

__all__ = [
    "STATUS",
    "ClientGoneError",
    "DeadlineError",
    "InvalidRequestError",
    "MalformedRequestError",
    "ModelMemoryError",
    "NotReadyError",
    "OverloadedError",
    "PayloadTooLargeError",
    "RequestError",
    "ServeError",
    "SpoolFullError",
    "UnavailableError",
    "UrlNotAllowedError",
    "UrlTimeoutError",
    "UrlUnreachableError",
    "describe",
    "status_of",
]


# A message names this many problems at most, and so many characters of an unknown field's name.
_MAX_PROBLEMS = 20
_MAX_NAME = 100


class RequestError(LookalikeError):
    """A request that can't be answered as it stands."""

    code = "bad_request"


class MalformedRequestError(RequestError):
    """The body is not JSON, or not the multipart form that the route takes."""

    code = "malformed_request"


class UrlNotAllowedError(RequestError):
    """The picture's URL is not fetched."""

    code = "url_not_allowed"


class UrlUnreachableError(RequestError):
    """There is no picture to be had at the URL: no server, another status than 200, no HTTP."""

    code = "url_unreachable"


class UrlTimeoutError(RequestError):
    """The picture's URL answers too slowly."""

    code = "url_timeout"


class PayloadTooLargeError(RequestError):
    """The body is larger than the service takes."""

    code = "payload_too_large"


class InvalidRequestError(RequestError):
    """A field of the request is missing, unknown, of the wrong type or out of range."""

    code = "invalid_request"

    @classmethod
    def from_validation(cls, error: ValidationError) -> InvalidRequestError:
        """Name the fields that pydantic found wrong."""
        if error.error_count() > _MAX_PROBLEMS:  # listing a million takes seconds and gigabytes
            return cls(f"{error.error_count():,} fields are unknown or wrong; see /docs.")
        return cls(describe(error.errors(include_url=False, include_input=False)))


class UnavailableError(LookalikeError):
    """The service can't answer now, through no fault of the request.

    Attributes:
        retry_after: Seconds after which another try makes sense; None where nobody knows.
    """

    code = "unavailable"

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotReadyError(UnavailableError):
    """The service should get no requests now."""

    code = "not_ready"


class OverloadedError(UnavailableError):
    """More is asked than can be answered; refused at once instead of answered late."""

    code = "overloaded"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message, retry_after)


class ModelMemoryError(OverloadedError):
    """The model has no memory for this batch, nor for half of it."""

    code = "out_of_memory"


class DeadlineError(UnavailableError):
    """The answer would come later than the service promises."""

    code = "deadline_exceeded"


class ClientGoneError(UnavailableError):
    """The caller hung up; nobody reads this, the log has its status (499, as nginx has it)."""

    code = "client_gone"


class SpoolFullError(UnavailableError):
    """There is no room for an upload while it is received."""

    code = "spool_full"


class ServeError(LookalikeError):
    """The service can't start."""

    code = "cannot_serve"


STATUS: Mapping[type[LookalikeError], int] = {
    UnsupportedImageError: 415,
    BrokenImageError: 422,
    ImageTooLargeError: 422,
    UnknownProductError: 404,
    QueryError: 422,
    MalformedRequestError: 400,
    UrlNotAllowedError: 400,
    PayloadTooLargeError: 413,
    InvalidRequestError: 422,
    UrlUnreachableError: 422,
    UrlTimeoutError: 504,
    NotReadyError: 503,
    OverloadedError: 503,
    DeadlineError: 504,
    ClientGoneError: 499,
    SpoolFullError: 507,
}


def status_of(error: LookalikeError) -> int:
    """The HTTP status of an error: its class's in the table, or its nearest ancestor's, or 500."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def describe(problems: Iterable[Mapping[str, Any]]) -> str:
    """One sentence for pydantic's list of problems, naming every field."""
    sentences = []
    for problem in problems:
        place = _field(problem["loc"])
        said = str(problem["msg"]).removeprefix("Value error, ")
        sentences.append(f"{place}: {said}" if place else said)
    return "; ".join(sentences) + "."


def _field(location: Sequence[str | int]) -> str:
    # FastAPI puts where a value came from first; a caller knows that.
    parts = location[1:] if location and location[0] in ("query", "path", "body") else location
    return ".".join(str(part)[:_MAX_NAME] for part in parts)
