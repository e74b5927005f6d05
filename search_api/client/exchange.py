"""One call as a conversation: what to send and when, until there is a result or an error."""

from __future__ import annotations

import json
import random
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx

from search_api.client.calls import Call
from search_api.client.errors import (
    ClientError,
    ConnectionFailedError,
    NoAnswerInTimeError,
    RateLimitedError,
    ServiceError,
    UnavailableError,
    UnexpectedAnswerError,
    service_error,
)
from search_api.client.results import ErrorAnswer, parse

__all__ = ["Attempt", "Outcome", "Retries", "Talk", "request_of", "talk"]

T = TypeVar("T")


@dataclass(frozen=True)
class Retries:
    """When and how often a call is sent again.

    Sent again is what the service refused to work on (503, 429) and what no service received or
    whose connection was lost, since every call only asks. A call that took longer than the timeout
    is not: the service may be at it still. Waits are drawn from 0 to a bound that doubles, "full
    jitter" (Brooker, "Exponential Backoff And Jitter", 2015); where the answer says Retry-After,
    that comes on top.

    Attributes:
        attempts: How often a call is sent at most; 1 for never again.
        first: The bound of the first wait, in seconds.
        most: The bound that it doesn't grow beyond, in seconds.
        patience: A service that asks to be left alone for longer, in seconds, is.
    """

    attempts: int = 4
    first: float = 0.25
    most: float = 8.0
    patience: float = 30.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or min(self.first, self.most, self.patience) < 0:
            raise ValueError("Retries: at least one attempt, and no negative times.")

    def wait(self, sent: int, error: ClientError) -> float | None:
        """Seconds to wait before another attempt; None for no other.

        Args:
            sent: How often the call was sent.
            error: What came of the last attempt.
        """
        if sent >= self.attempts or not _passes(error):
            return None
        asked = error.retry_after or 0.0 if isinstance(error, ServiceError) else 0.0
        if asked > self.patience:
            return None
        # 2 ** 30 is beyond any bound, and 2.0 ** 2000 no number.
        bound = min(self.most, self.first * 2 ** min(sent - 1, 30))
        return asked + random.uniform(0, bound)  # noqa: S311 (no secret)


@dataclass(frozen=True)
class Attempt:
    """Send `request`, after waiting for `after` seconds."""

    request: httpx.Request
    after: float = 0.0


Outcome = httpx.Response | httpx.RequestError
"""What came of an attempt; the answer has been read to its end."""

Talk = Generator[Attempt, Outcome, T]


def request_of(call: Call[T], client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
    """A call's request, with the address, headers and timeouts of a client; whole in memory."""
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


def talk(call: Call[T], request: httpx.Request, retries: Retries) -> Talk[T]:
    """Attempt a call until it is answered or given up.

    Yields:
        What to do; what came of it is sent back.

    Returns:
        The call's result.

    Raises:
        ClientError: There is none.
    """
    sent, after = 0, 0.0
    while True:
        outcome = yield Attempt(request, after)
        sent += 1
        error = _error(outcome)
        if error is None:
            assert isinstance(outcome, httpx.Response)
            return call.read(outcome.content)
        wait = None if call.quick else retries.wait(sent, error)
        if wait is None:
            raise error
        after = wait


def _passes(error: ClientError) -> bool:
    if isinstance(error, NoAnswerInTimeError):
        return False
    return isinstance(error, UnavailableError | RateLimitedError | ConnectionFailedError)


def _error(outcome: Outcome) -> ClientError | None:
    if isinstance(outcome, httpx.Response):
        return None if outcome.status_code == 200 else _refusal(outcome)
    reason = str(outcome) or type(outcome).__name__
    if isinstance(outcome, httpx.DecodingError):
        return UnexpectedAnswerError(f"The answer can't be read: {reason}.")
    if isinstance(outcome, httpx.ConnectTimeout | httpx.PoolTimeout):
        return ConnectionFailedError(f"The service can't be reached in time: {reason}.")
    if isinstance(outcome, httpx.TimeoutException):
        return NoAnswerInTimeError(f"The service did not answer within the timeout: {reason}.")
    return ConnectionFailedError(f"The service can't be reached: {reason}.")


def _refusal(answer: httpx.Response) -> ClientError:
    try:
        told = parse(ErrorAnswer, answer.content)
    except UnexpectedAnswerError:
        # A proxy in front of the service refuses in words of its own.
        told = ErrorAnswer("unexpected_answer", f"HTTP {answer.status_code}.")
        if answer.status_code not in (429, 502, 503, 504):
            return UnexpectedAnswerError(
                f"{answer.request.url} answered {answer.status_code}, and not as Lookalike does; "
                "is this the service's address?"
            )
    return service_error(
        told.code, told.message, answer.status_code, told.request_id, _retry_after(answer)
    )


def _retry_after(answer: httpx.Response) -> float | None:
    """Retry-After in seconds, from its number or its date (RFC 9110, 10.2.3)."""
    given = answer.headers.get("Retry-After", "").strip()
    if given.isascii() and given.isdigit():
        return float(given[:10])
    try:
        moment = parsedate_to_datetime(given)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
