"""Admission control: reject requests over capacity (503) before reading their body."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from search_api.service.admission import Door, current_visit
from search_api.service.errors import OverloadedError
from search_api.service.middleware.request import error_response, request_id_of

__all__ = ["AdmissionMiddleware"]

_MESSAGE = "The service has more requests than it can answer; try again shortly."


class AdmissionMiddleware:
    """Refuses requests that the door would refuse, before their bodies are read.

    Args:
        app: The application; its routes enter by the door.
        door: The door.
    """

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not self._door.refuses(current_visit()):
            await self._app(scope, receive, send)
            return
        error = OverloadedError(_MESSAGE)
        refusal = error_response(503, error.code, error.message, request_id_of(scope))
        refusal.headers["Retry-After"] = str(error.retry_after)
        await refusal(scope, receive, send)
