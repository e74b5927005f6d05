"""Around every request: its id, body limit, headers, log line, and the last-resort error."""

from __future__ import annotations

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_api.errors import PayloadTooLargeError
from search_api.item_paths import keep_quoted
from search_api.metrics import Metrics

__all__ = ["RequestMiddleware", "error_response", "request_id_of"]

_log = structlog.get_logger("lookalike.http")

# Messages quote what the caller sent, which may be megabytes.
_MAX_MESSAGE = 2000

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_PAGE_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# FastAPI's documentation page brings scripts of its own.
_DOCUMENTATION = ("/docs", "/docs/oauth2-redirect")


class RequestMiddleware:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, max_body_bytes: int, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        keep_quoted(scope)
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex[:16]
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0
        start = time.perf_counter()
        self._metrics.begin()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(MutableHeaders(scope=message), request_id, scope["path"])
            await send(message)

        limited = _LimitedBody(headers, receive, self._max_body_bytes)
        try:
            await self._app(scope, limited, send_with_headers)
        except Exception:
            _log.exception("request failed", request_id=request_id)
            if status:
                raise
            response = error_response(
                500, "internal_error", "Something went wrong on our side.", request_id
            )
            await response(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - start
            self._metrics.end(scope, status, seconds)
            _log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round(1000 * seconds, 1),
                request_id=request_id,
            )


class _LimitedBody:
    """A request's `receive` that refuses bodies over the limit while they arrive."""

    def __init__(self, headers: Headers, receive: Receive, limit: int) -> None:
        declared = headers.get("content-length", "")
        # Twenty digits are over any limit, and `int` refuses thousands.
        self._declared = int(declared[:20]) if declared.isdecimal() else 0
        self._receive = receive
        self._limit = limit
        self._received = 0

    async def __call__(self) -> Message:
        if self._declared > self._limit:
            raise self._error()
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > self._limit:
            raise self._error()
        return message

    def _error(self) -> PayloadTooLargeError:
        return PayloadTooLargeError(
            f"The request is larger than {self._limit / 2**20:g} MiB; send a smaller picture."
        )


def error_response(status: int, code: str, message: str, request_id: str) -> JSONResponse:
    """The body that every error has."""
    if len(message) > _MAX_MESSAGE:
        message = f"{message[:_MAX_MESSAGE]}…"
    content = {"code": code, "message": message, "request_id": request_id}
    return JSONResponse(content, status_code=status)


def request_id_of(scope: Scope) -> str:
    """The id that the middleware gave a request."""
    return str(scope["state"]["request_id"])


def _add_headers(headers: MutableHeaders, request_id: str, path: str) -> None:
    headers["X-Request-Id"] = request_id
    for name, value in _HEADERS.items():
        headers[name] = value
    if path not in _DOCUMENTATION:
        headers["Content-Security-Policy"] = _PAGE_POLICY
