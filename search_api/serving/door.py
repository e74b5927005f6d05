"""The door: more work than the service can do is refused before it costs anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from search_api.errors import OverloadedError
from search_api.middleware import error_response, request_id_of

__all__ = ["DoorMiddleware", "Room"]

_MESSAGE = "The service has more requests than it can answer; try again shortly."


class Room:
    """How many requests may be at the model's work at the same time; for one event loop.

    A request takes its place when all that it needs from elsewhere has come, its body and the
    pictures at its URLs, so that slow callers and slow sources keep nobody out.

    Args:
        most: How many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside = 0

    @property
    def full(self) -> bool:
        """Whether there is no place left."""
        return self._inside >= self._most

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have a place for what is done inside.

        Raises:
            OverloadedError: There is none.
        """
        if self.full:
            raise OverloadedError(_MESSAGE)
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
        refusal = error_response(503, OverloadedError.code, _MESSAGE, request_id_of(scope))
        refusal.headers["Retry-After"] = "1"
        await refusal(scope, receive, send)


def _needs_model(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    path: str = scope["path"]
    return path == "/v1/search" or (scope["method"] == "POST" and path.startswith("/v1/"))
