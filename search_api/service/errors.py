"""Errors of the HTTP service, and the table of their status codes.

LookalikeError (embeddings.errors)
└── RequestError
    ├── MalformedRequestError   400  not JSON, or not a valid multipart form
    ├── UrlNotAllowedError      400  an image's URL that is not allowed
    ├── PayloadTooLargeError    413  the body, or an image at a URL, is over the limit
    ├── InvalidRequestError     422  a field is missing, unknown or out of range
    ├── UrlUnreachableError     422  a URL without an image
    └── UrlTimeoutError         504  an image's URL that answers too slowly
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from embeddings import (
    BrokenImageError,
    ImageTooLargeError,
    LookalikeError,
    PictureRefusedError,
    UnsupportedImageError,
    VisionUnavailableError,
)
from indexer import (
    DamagedIndexError,
    KeyReusedError,
    QueryError,
    SearchCancelledError,
    UnknownProductError,
    VersionConflictError,
    WriteError,
    WriteLogError,
)

__all__ = [
    "STATUS",
    "UNION",
    "ClientGoneError",
    "DeadlineError",
    "IndexBusyError",
    "InvalidRequestError",
    "MalformedRequestError",
    "ModelMemoryError",
    "NotPublishedError",
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
    "is_unexpected",
    "status_of",
]


UNION = "form of a value: "
"""Prefix of the tags of unions, which stand in the places of pydantic's problems."""

# A message names at most so many problems, and so many characters of an unknown field's name.
_MAX_PROBLEMS = 20
_MAX_NAME = 100


class RequestError(LookalikeError):
    """A request that can't be answered."""

    code = "bad_request"


class MalformedRequestError(RequestError):
    """The body is not JSON, or not a valid multipart form."""

    code = "malformed_request"


class UrlNotAllowedError(RequestError):
    """The image's URL is not allowed."""

    code = "url_not_allowed"


class UrlUnreachableError(RequestError):
    """The URL gives no image: no server, a status other than 200, or no valid HTTP."""

    code = "url_unreachable"


class UrlTimeoutError(RequestError):
    """The image's URL answers too slowly."""

    code = "url_timeout"


class PayloadTooLargeError(RequestError):
    """The body is larger than the service accepts."""

    code = "payload_too_large"


class InvalidRequestError(RequestError):
    """A field of the request is missing, unknown, of the wrong type or out of range."""

    code = "invalid_request"

    @classmethod
    def from_validation(cls, error: ValidationError) -> InvalidRequestError:
        """Convert pydantic's error to one that names the fields."""
        if error.error_count() > _MAX_PROBLEMS:  # to list a million takes seconds and gigabytes
            return cls(f"{error.error_count():,} fields are unknown or wrong; see /docs.")
        return cls(describe(error.errors(include_url=False, include_input=False)))


class UnavailableError(LookalikeError):
    """The service can't answer now; the request is valid.

    Attributes:
        retry_after: Seconds after which to try again; None if unknown.
    """

    code = "unavailable"

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotReadyError(UnavailableError):
    """The service should get no requests now."""

    code = "not_ready"


class OverloadedError(UnavailableError):
    """More requests than the service can answer; refused at once instead of answered late."""

    code = "overloaded"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message, retry_after)


class ModelMemoryError(OverloadedError):
    """The model has no memory for a batch, nor for half of it."""

    code = "out_of_memory"


class DeadlineError(UnavailableError):
    """The request took longer than the deadline."""

    code = "deadline_exceeded"


class ClientGoneError(UnavailableError):
    """The client disconnected; only the log shows this, as status 499, which nginx uses too."""

    code = "client_gone"


class IndexBusyError(UnavailableError):
    """Another process is writing the index, so that writes can't be published."""

    code = "index_locked"


class NotPublishedError(UnavailableError):
    """What was written before can't be published."""

    code = "not_published"


class SpoolFullError(UnavailableError):
    """There is no disk space to receive an upload."""

    code = "spool_full"


class ServeError(LookalikeError):
    """The service can't start."""

    code = "cannot_serve"


STATUS: Mapping[type[LookalikeError], int] = {
    UnsupportedImageError: 415,
    BrokenImageError: 422,
    ImageTooLargeError: 422,
    PictureRefusedError: 422,
    UnknownProductError: 404,
    QueryError: 422,
    WriteError: 422,
    VersionConflictError: 409,
    KeyReusedError: 422,
    MalformedRequestError: 400,
    UrlNotAllowedError: 400,
    PayloadTooLargeError: 413,
    InvalidRequestError: 422,
    UrlUnreachableError: 422,
    UrlTimeoutError: 504,
    DamagedIndexError: 503,
    NotReadyError: 503,
    IndexBusyError: 503,
    NotPublishedError: 503,
    OverloadedError: 503,
    DeadlineError: 504,
    VisionUnavailableError: 501,
    ClientGoneError: 499,
    SearchCancelledError: 499,
    SpoolFullError: 507,
    WriteLogError: 507,
}


def status_of(error: LookalikeError) -> int:
    """Return the HTTP status of an error: that of its class or nearest base class, or 500."""
    kinds = (kind for kind in type(error).__mro__ if kind in STATUS)
    return next((STATUS[kind] for kind in kinds), HTTPStatus.INTERNAL_SERVER_ERROR)


def is_unexpected(error: LookalikeError) -> bool:
    """Return whether an error has no status of its own, and so is a fault of the service."""
    return status_of(error) == HTTPStatus.INTERNAL_SERVER_ERROR


def describe(problems: Iterable[Mapping[str, Any]]) -> str:
    """Return one sentence for pydantic's list of problems, with the name of every field."""
    sentences = []
    for problem in problems:
        place = _field(problem["loc"])
        message = str(problem["msg"]).removeprefix("Value error, ")
        sentences.append(f"{place}: {message}" if place else message)
    return "; ".join(sentences) + "."


def _field(location: Sequence[str | int]) -> str:
    # FastAPI puts the place of a value first (query, path or body), which the caller knows.
    parts = location[1:] if location and location[0] in ("query", "path", "body") else location
    named = (str(part) for part in parts)
    return ".".join(part[:_MAX_NAME] for part in named if not part.startswith(UNION))
