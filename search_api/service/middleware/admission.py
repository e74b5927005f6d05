"""Admission control: reject requests over capacity (503) before reading their body."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from search_api.service.errors import OverloadedError
from search_api.service.middleware.request import error_response, request_id_of

__all__ = ["AdmissionMiddleware", "ConcurrencyLimit"]

_MESSAGE = "The service has more requests than it can answer; try again shortly."

# Seconds after a refusal for which the lower limit holds.
_CROWDED_SECONDS = 1.0


class ConcurrencyLimit:
    """Limit of the requests that are worked on at the same time; for one event loop.

    A request takes a slot once everything that it needs from elsewhere has arrived (its body, and
    the images at its URLs), so slow clients and slow sources occupy no slots.

    Without refusals the limit is high, since a waiting request is better than a refused one. Once
    requests must be refused, a long wait gains nothing, so the limit drops to what keeps the model
    busy until no request was refused for a second. Under overload the time of an answer is thus
    bounded (Little's law: slots divided by answers a second), at the same throughput.

    Args:
        most: Number of slots.
        crowded: Number of slots while requests are refused; by default the same.
        clock: Seconds, as `time.monotonic`.
    """

    def __init__(
        self,
        most: int,
        crowded: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._crowded = most if crowded is None else min(most, crowded)
        self._clock = clock
        self._last_refusal = -math.inf
        self._in_use = 0

    @property
    def full(self) -> bool:
        """Whether no slot is free."""
        crowded = self._clock() < self._last_refusal + _CROWDED_SECONDS
        return self._in_use >= (self._crowded if crowded else self._most)

    def refuse(self) -> OverloadedError:
        """Record a refusal, which lowers the limit, and return its error."""
        self._last_refusal = self._clock()
        return OverloadedError(_MESSAGE)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a slot for the work inside.

        Raises:
            OverloadedError: No slot is free.
        """
        if self.full:
            raise self.refuse()
        self._in_use += 1
        try:
            yield
        finally:
            self._in_use -= 1


class AdmissionMiddleware:
    """Refuses requests that need the model while no slot is free, before their bodies are read.

    Args:
        app: The application; its routes take the slots.
        limit: The slots.
    """

    def __init__(self, app: ASGIApp, limit: ConcurrencyLimit) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if not (self._limit.full and _needs_model(scope)):
            await self._app(scope, receive, send)
            return
        error = self._limit.refuse()
        refusal = error_response(503, error.code, error.message, request_id_of(scope))
        refusal.headers["Retry-After"] = str(error.retry_after)
        await refusal(scope, receive, send)


def _needs_model(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    path: str = scope["path"]
    return path == "/v1/search" or (scope["method"] == "POST" and path.startswith("/v1/"))
