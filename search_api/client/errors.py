"""What the client raises.

LookalikeError (embeddings.errors)
└── ClientError
    ├── UnreadablePictureError        a picture that was given can't be read, here
    ├── ConnectionFailedError         no answer: the service can't be reached, or hung up
    │   └── NoAnswerInTimeError       no answer within the timeout
    ├── UnexpectedAnswerError         an answer that is not of this service, such as a proxy's page
    └── ServiceError                  the service's own error: code, message, status, request_id
        ├── BadRequestError           400  not understood, or a URL that is not fetched
        ├── UnauthorizedError         401  the API key is missing or wrong
        ├── NotFoundError             404  no such product, picture or route
        ├── TooLargeError             413  the request or the picture is over the limit
        ├── UnsupportedPictureError   415  not a picture of an allowed format
        ├── InvalidRequestError       422  a field or a picture can't be used
        ├── RateLimitedError          429  this key asks too often
        └── ServerError               5xx  no fault of the request
            ├── UnavailableError      503  overloaded or not ready
            └── DeadlineError         504  the answer would come too late
"""

from __future__ import annotations

from collections.abc import Mapping

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
    """Root of what the client raises."""

    code = "client_error"


class UnreadablePictureError(ClientError):
    """A picture given as a path, a file or a PIL image can't be read; nothing was sent."""

    code = "unreadable_picture"


class ConnectionFailedError(ClientError):
    """The service can't be reached, or hung up before it answered."""

    code = "connection_failed"


class NoAnswerInTimeError(ConnectionFailedError):
    """No answer within the client's timeout."""

    code = "no_answer_in_time"


class UnexpectedAnswerError(ClientError):
    """Something answered that is not this service, or not a version that this client knows."""

    code = "unexpected_answer"


class ServiceError(ClientError):
    """An error that the service answered with.

    Attributes:
        code: What is wrong, in one word for programs; the table is in docs/api.md.
        status: The HTTP status.
        request_id: Finds the request in the service's log; None for a query of a batch.
        retry_after: Seconds after which the service asks to be tried again; None if it didn't say.
    """

    # Of one error, where other classes have one code each.
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
        """The sentence for a person: what is wrong, and how to mend it."""
        return str(self.args[1])

    def __str__(self) -> str:
        where = "" if self.request_id is None else f", request {self.request_id}"
        return f"{self.message} ({self.status} {self.code}{where})"


class BadRequestError(ServiceError):
    """400: the request is not understood, or gives a picture by a URL that is not fetched."""


class UnauthorizedError(ServiceError):
    """401: the API key is missing or wrong."""


class NotFoundError(ServiceError):
    """404: there is no such product, picture or route."""


class TooLargeError(ServiceError):
    """413: the request, or the picture at a URL, is over the service's limit."""


class UnsupportedPictureError(ServiceError):
    """415: not a picture of an allowed format."""


class InvalidRequestError(ServiceError):
    """422: a field is missing, unknown or out of range, or a picture is broken or too large."""


class RateLimitedError(ServiceError):
    """429: this key, or this address, asks more often than it may."""


class ServerError(ServiceError):
    """5xx: the service failed, through no fault of the request."""


class UnavailableError(ServerError):
    """503: the service is overloaded or not ready; later it may answer."""


class DeadlineError(ServerError):
    """504: the answer would come later than the service promises."""


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
    """The error of the class that its status has; arguments as `ServiceError`'s attributes."""
    other = ServerError if status >= 500 else ServiceError
    return _CLASSES.get(status, other)(code, message, status, request_id, retry_after)
