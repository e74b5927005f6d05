"""Request middleware: id, body limit, security headers, access log, unexpected errors."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_api.service.errors import PayloadTooLargeError
from search_api.service.middleware.item_paths import keep_quoted
from search_api.service.middleware.metrics import Metrics, Stage, route_of
from search_api.service.middleware.root_path import remove_root
from search_api.service.middleware.trace import Trace, begin_trace
from search_api.service.settings import Settings

__all__ = [
    "RequestMiddleware",
    "UnexpectedErrorMiddleware",
    "error_response",
    "request_id_of",
    "security_headers",
]

_log = structlog.get_logger("lookalike.http")

# Characters; messages quote what the caller sent, which may be megabytes.
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
    "Content-Security-Policy": _PAGE_POLICY,
}
# A line of the access log quotes so many characters of a path or text, and so many texts.
_MAX_LOGGED = 500
_MAX_TEXTS = 10


class RequestMiddleware:
    """Outermost middleware: gives ids and headers, limits bodies, writes the access log."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._max_body_bytes = settings.max_body_bytes
        self._log_queries = settings.log_queries
        self._root = settings.root_path
        self._headers = security_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        app = self._app
        if remove_root(scope, self._root):
            app = RedirectResponse(f"{self._root}/", HTTPStatus.PERMANENT_REDIRECT)
        keep_quoted(scope)
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex[:16]
        scope.setdefault("state", {})["request_id"] = request_id
        trace = begin_trace()
        status = 0
        start = time.perf_counter()
        self._metrics.begin_request()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = MutableHeaders(scope=message)
                given["X-Request-Id"] = request_id
                given.update(self._headers)
            await send(message)

        def received() -> None:
            self._metrics.record_stage(Stage.RECEIVE, time.perf_counter() - start)

        limited = _LimitedBody(headers, receive, self._max_body_bytes, received)
        bound = structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await app(scope, limited, send_with_headers)
        finally:
            seconds = time.perf_counter() - start
            # The server itself may have answered: a body that came too slowly.
            status = status or scope["state"].get("refused", 0)
            self._metrics.end_request(scope, status, seconds)
            _log.info(
                "request",
                method=scope["method"],
                route=route_of(scope),
                path=scope["path"][:_MAX_LOGGED],
                status=status,
                ms=round(1000 * seconds, 1),
                request_id=request_id,
                **self._notes(trace),
            )
            structlog.contextvars.reset_contextvars(**bound)

    def _notes(self, trace: Trace) -> dict[str, Any]:
        """Return the fields of the log line that a trace has values for."""
        stages = {name: round(1000 * seconds, 2) for name, seconds in trace.stages.items()}
        texts = trace.texts[:_MAX_TEXTS] if self._log_queries else []
        notes = {
            "key": trace.key,
            "stages_ms": stages,
            "texts": [text[:_MAX_LOGGED] for text in texts],
        }
        return {name: value for name, value in notes.items() if value}


class UnexpectedErrorMiddleware:
    """Logs an unexpected error, and answers it with 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal begun
            begun = True
            try:
                await send(message)
            except RuntimeError as error:
                if "closed" not in str(error):  # uvloop, of a connection
                    raise
                raise ClientDisconnect from error

        try:
            await self._app(scope, receive, send_and_note)
        except ClientDisconnect:
            pass  # while the request was received or answered
        except Exception:
            request_id = request_id_of(scope)
            _log.exception("request failed", request_id=request_id)
            if begun:
                raise
            message = "The service failed on this request; its log has the cause."
            await error_response(500, "internal_error", message, request_id)(scope, receive, send)


class _LimitedBody:
    """The `receive` of a request that refuses a body over the limit while it arrives."""

    def __init__(
        self, headers: Headers, receive: Receive, limit: int, on_end: Callable[[], None]
    ) -> None:
        declared = headers.get("content-length", "")
        # Twenty digits exceed any limit, and `int` refuses thousands of digits.
        self._declared = int(declared[:20]) if declared.isdecimal() else 0
        self._receive = receive
        self._limit = limit
        self._on_end = on_end
        self._received = 0

    async def __call__(self) -> Message:
        if self._declared > self._limit:
            raise self._error()
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > self._limit:
            raise self._error()
        if message["type"] == "http.request" and self._received and not message.get("more_body"):
            self._on_end()
        return message

    def _error(self) -> PayloadTooLargeError:
        return PayloadTooLargeError(
            f"The request is larger than {self._limit / 2**20:g} MiB; send a smaller image."
        )


def security_headers(settings: Settings) -> dict[str, str]:
    """Return the headers of every answer."""
    headers = dict(_HEADERS)
    if settings.cors_origins:
        # Pages of other origins may show the products' images.
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return headers


def error_response(status: int, code: str, message: str, request_id: str) -> JSONResponse:
    """Return an answer with the body of every error."""
    if len(message) > _MAX_MESSAGE:
        message = f"{message[:_MAX_MESSAGE]}…"
    content = {"code": code, "message": message, "request_id": request_id}
    return JSONResponse(content, status_code=status)


def request_id_of(scope: Scope) -> str:
    """Return the id that the middleware gave a request."""
    return str(scope["state"]["request_id"])
