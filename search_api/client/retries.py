"""Retry policy of the client: which calls are sent again, how often, and after which wait."""

from __future__ import annotations

import random
from dataclasses import InitVar, dataclass

from search_api.client.errors import (
    ClientError,
    ConnectionFailedError,
    NoAnswerInTimeError,
    RateLimitedError,
    ServiceError,
    UnavailableError,
)

__all__ = ["Retries"]

# 2 ** 30 is beyond any bound, and 2.0 ** 2000 is not a number.
_MAX_DOUBLINGS = 30


@dataclass(frozen=True)
class Retries:
    """When and how often a call is sent again.

    Every call only reads, so a call is repeated if the service refused it for now (429, 503), did
    not receive it, or lost the connection. A call that took longer than the timeout is not
    repeated: the service may still be working on it.

    The wait is drawn from 0 to a bound that doubles with each attempt ("full jitter"; Brooker,
    "Exponential Backoff And Jitter", 2015). A `Retry-After` of the answer is added to it.

    Args:
        attempts: Maximum number of times that a call is sent; 1 to never repeat it.
        initial_backoff: Bound of the first wait, in seconds.
        max_backoff: Largest bound of a wait, in seconds.
        max_retry_after: Longest `Retry-After`, in seconds, that the client waits for; with a
            longer one, the error is raised at once.
        first: Former name of `initial_backoff`.
        most: Former name of `max_backoff`.
        patience: Former name of `max_retry_after`.

    Raises:
        ValueError: `attempts` is below 1, or a time is negative.
    """

    attempts: int = 4
    initial_backoff: float = 0.25
    max_backoff: float = 8.0
    max_retry_after: float = 30.0
    first: InitVar[float | None] = None
    most: InitVar[float | None] = None
    patience: InitVar[float | None] = None

    def __post_init__(
        self, first: float | None, most: float | None, patience: float | None
    ) -> None:
        former = {"initial_backoff": first, "max_backoff": most, "max_retry_after": patience}
        for name, value in former.items():
            if value is not None:
                object.__setattr__(self, name, value)
        times = (self.initial_backoff, self.max_backoff, self.max_retry_after)
        if self.attempts < 1 or min(times) < 0:
            raise ValueError("Retries: give at least one attempt, and no negative times.")

    def wait(self, sent: int, error: ClientError) -> float | None:
        """Return the seconds to wait before the next attempt, or None to give up.

        Args:
            sent: Number of attempts so far.
            error: Error of the last attempt.
        """
        if sent >= self.attempts or not _is_temporary(error):
            return None
        retry_after = (error.retry_after or 0.0) if isinstance(error, ServiceError) else 0.0
        if retry_after > self.max_retry_after:
            return None
        doublings = min(sent - 1, _MAX_DOUBLINGS)
        bound = min(self.max_backoff, self.initial_backoff * 2**doublings)
        return retry_after + random.uniform(0, bound)  # noqa: S311 (spreads load, not a secret)


def _is_temporary(error: ClientError) -> bool:
    if isinstance(error, NoAnswerInTimeError):
        return False
    return isinstance(error, UnavailableError | RateLimitedError | ConnectionFailedError)
