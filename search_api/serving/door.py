"""The door: more work than the service can do is refused before it costs anything."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_api.errors import OverloadedError
from search_api.middleware import error_response, request_id_of

__all__ = ["DoorMiddleware"]

_MESSAGE = "The service has more requests than it can answer; try again shortly."


class DoorMiddleware:
    """Lets in so many requests that need the model, and refuses the others at once.

    A request counts from its last byte on, so that callers who send slowly keep nobody out. Where
    the house is full already, it is refused at its first, and its body is not read.

    Args:
        app: What is behind the door.
        most: How many may be inside.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if not _needs_model(scope):
            await self._app(scope, receive, send)
            return
        if self._inside >= self._most:
            refusal = error_response(503, OverloadedError.code, _MESSAGE, request_id_of(scope))
            refusal.headers["Retry-After"] = "1"
            await refusal(scope, receive, send)
            return
        inside = False

        def enter() -> None:
            nonlocal inside
            if inside:
                return
            if self._inside >= self._most:
                raise OverloadedError(_MESSAGE)  # in the route, whose errors are answered
            inside = True
            self._inside += 1

        async def receive_and_enter() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                enter()
            return message

        headers = Headers(scope=scope)
        if "content-length" not in headers and "transfer-encoding" not in headers:
            enter()  # nothing comes that a route would wait for
        try:
            await self._app(scope, receive_and_enter, send)
        finally:
            self._inside -= inside


def _needs_model(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    path: str = scope["path"]
    return path == "/v1/search" or (scope["method"] == "POST" and path.startswith("/v1/"))
