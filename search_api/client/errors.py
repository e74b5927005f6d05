"""Errors of the client: one tree, with a class for each kind of refusal.

LookalikeError (embeddings.errors)
└── ClientError
    ├── UnreadablePictureError        an image can't be read, before anything is sent
    ├── ConnectionFailedError         no answer: no service there, or a lost connection
    │   └── NoAnswerInTimeError       no answer within the timeout
    ├── UnexpectedAnswerError         an answer of another service, such as a proxy's page
    └── ServiceError                  the service's own error: code, message, status, request_id
        ├── BadRequestError           400  malformed, or a URL that is not allowed
        ├── UnauthorizedError         401  the API key is missing or wrong
        ├── NotFoundError             404  no such product, image or route
        ├── TooLargeError             413  the request or the image is over the limit
        ├── UnsupportedPictureError   415  not an image of an allowed format
        ├── InvalidRequestError       422  a field or an image is invalid
        ├── RateLimitedError          429  this key is over its rate limit
        └── ServerError               5xx  the service failed
            ├── UnavailableError      503  overloaded or not ready
            └── DeadlineError         504  the request took too long
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from embeddings import LookalikeError

__all__ = [
    "BadRequestError",
    "ClientError",
    "ConnectionFailedError",
    "DeadlineError",
    "InvalidRequestError",
    "NoAnswerInTimeError",
    "NotFoundError",
    "RateLimitedError",
    "ServerError",
    "ServiceError",
    "TooLargeError",
    "UnauthorizedError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "UnreadablePictureError",
    "UnsupportedPictureError",
    "service_error",
]


class ClientError(LookalikeError):
    """Root of the client's errors."""

    code = "client_error"


class UnreadablePictureError(ClientError):
    """An image given as a path, a file or a PIL image can't be read; nothing was sent."""

    code = "unreadable_picture"


class ConnectionFailedError(ClientError):
    """The service can't be reached, or closed the connection before it answered."""

    code = "connection_failed"


class NoAnswerInTimeError(ConnectionFailedError):
    """No answer within the client's timeout."""

    code = "no_answer_in_time"


class UnexpectedAnswerError(ClientError):
    """The answer is not of this service, or of a version that this client does not know."""

    code = "unexpected_answer"


class ServiceError(ClientError):
    """An error that the service answered with.

    Attributes:
        code: Name of the problem for programs; docs/api.md has the table.
        status: The HTTP status.
        request_id: Id of the request in the service's log; None for a query of a batch.
        retry_after: Seconds to wait before another attempt; None if the service gave none.
    """

    # Each instance has its own code; other classes have one each.
    code: str  # type: ignore[misc]

    def __init__(
        self,
        code: str,
        message: str,
        status: int,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, message, status, request_id, retry_after)
        self.code = code
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after

    @property
    def message(self) -> str:
        """The message for a person: what is wrong, and how to fix it."""
        return str(self.args[1])

    def __str__(self) -> str:
        where = "" if self.request_id is None else f", request {self.request_id}"
        return f"{self.message} ({self.status} {self.code}{where})"


class BadRequestError(ServiceError):
    """400: the request is malformed, or has an image's URL that is not allowed."""


class UnauthorizedError(ServiceError):
    """401: the API key is missing or wrong."""


class NotFoundError(ServiceError):
    """404: there is no such product, image or route."""


class TooLargeError(ServiceError):
    """413: the request, or the image at a URL, is over the service's limit."""


class UnsupportedPictureError(ServiceError):
    """415: not an image of an allowed format."""


class InvalidRequestError(ServiceError):
    """422: a field is missing, unknown or out of range, or an image is broken or too large."""


class RateLimitedError(ServiceError):
    """429: this key, or this address, is over its rate limit."""


class ServerError(ServiceError):
    """5xx: the service failed; the request is valid."""


class UnavailableError(ServerError):
    """503: the service is overloaded or not ready; try again later."""


class DeadlineError(ServerError):
    """504: the request took longer than the service allows."""


_CLASSES: Mapping[int, type[ServiceError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    404: NotFoundError,
    413: TooLargeError,
    415: UnsupportedPictureError,
    422: InvalidRequestError,
    429: RateLimitedError,
    503: UnavailableError,
    504: DeadlineError,
}


def service_error(
    code: str,
    message: str,
    status: int,
    request_id: str | None = None,
    retry_after: float | None = None,
) -> ServiceError:
    """Return the error of the class of a status; arguments as `ServiceError`'s attributes."""
    other = ServerError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ServiceError
    return _CLASSES.get(status, other)(code, message, status, request_id, retry_after)
