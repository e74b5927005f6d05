"""The door: more work than the service can do is refused before it costs anything."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from search_api.service.errors import OverloadedError
from search_api.service.middleware.request import error_response, request_id_of

__all__ = ["DoorMiddleware", "Room"]

_MESSAGE = "The service has more requests than it can answer; try again shortly."


# Seconds after a refusal in which the room counts as crowded.
_CROWDED = 1.0


class Room:
    """How many requests may be at the model's work at the same time; for one event loop.

    A request takes its place when all that it needs from elsewhere has come, its body and the
    pictures at its URLs, so that slow callers and slow sources keep nobody out.

    While everybody finds a place, there are many, since nobody who waits is turned away for less.
    Once some must be turned away, others need not wait that long either: then there are only as
    many places as keep the model at work, until nobody was turned away for a second. What is
    answered under overload so takes a time that is bounded by its own work (Little's law: places
    divided by answers a second), and no less is answered.

    Args:
        most: How many.
        crowded: How many while some are turned away; by default as many.
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
        self._refused = -math.inf
        self._inside = 0

    @property
    def full(self) -> bool:
        """Whether there is no place left."""
        crowded = self._clock() < self._refused + _CROWDED
        return self._inside >= (self._crowded if crowded else self._most)

    def refusal(self) -> OverloadedError:
        """The error for who is turned away, which makes the room a crowded one."""
        self._refused = self._clock()
        return OverloadedError(_MESSAGE)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have a place for what is done inside.

        Raises:
            OverloadedError: There is none.
        """
        if self.full:
            raise self.refusal()
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1


class DoorMiddleware:
    """Refuses requests for the model while the room is full, before their bodies are read.

    Args:
        app: What is behind the door; its routes take the places.
        room: Where the places are.
    """

    def __init__(self, app: ASGIApp, room: Room) -> None:
        self._app = app
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if not (self._room.full and _needs_model(scope)):
            await self._app(scope, receive, send)
            return
        error = self._room.refusal()
        refusal = error_response(503, error.code, error.message, request_id_of(scope))
        refusal.headers["Retry-After"] = str(error.retry_after)
        await refusal(scope, receive, send)


def _needs_model(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    path: str = scope["path"]
    return path == "/v1/search" or (scope["method"] == "POST" and path.startswith("/v1/"))
