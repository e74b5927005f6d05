"""Who may ask, and how often: keys and rate limits before anything of a request is read."""

from __future__ import annotations

import math
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from search_api.service.middleware.keys import KeyRing, presented_key
from search_api.service.middleware.rate_limits import RateLimiter, address_group
from search_api.service.middleware.request import error_response, request_id_of
from search_api.service.middleware.trace import current_trace
from search_api.service.settings import Settings

__all__ = ["AccessMiddleware", "document_keys", "is_open"]

# What a load balancer asks, and what the page and the documentation need before a key is typed in.
_OPEN = frozenset({"/", "/healthz", "/readyz", "/docs", "/openapi.json"})
_OPEN_FOLDERS = ("/static/", "/docs/assets/")

# A page of hits brings two dozen thumbnails, each of which is a small part of a search's work.
_PICTURE_COST = 0.1

_UNAUTHORIZED = (
    "This service wants an API key that it knows: send one as Authorization: Bearer KEY, or as "
    "X-API-Key: KEY."
)


class AccessMiddleware:
    """Refuses requests without a known key (401), and those of a caller who asks too often (429).

    Args:
        app: What comes next.
        keys: Where there are none, everybody may ask.
        settings: The rate limit, and whether `/metrics` is open.
    """

    def __init__(self, app: ASGIApp, keys: KeyRing, settings: Settings) -> None:
        self._app = app
        self._keys = keys
        self._open_metrics = settings.open_metrics
        self._limiter = None
        if settings.rate_limit:
            self._limiter = RateLimiter(settings.rate_limit, settings.rate_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request pass, or answer it."""
        if scope["type"] != "http" or is_open(scope["path"], self._open_metrics):
            await self._app(scope, receive, send)
            return
        name = None
        if self._keys:
            name = self._keys.name_of(presented_key(Headers(scope=scope)))
            if name is None:
                message = _UNAUTHORIZED
                refusal = error_response(401, "unauthorized", message, request_id_of(scope))
                refusal.headers["WWW-Authenticate"] = "Bearer"
                await refusal(scope, receive, send)
                return
            current_trace().key = name
        wait = self._wait(scope, name)
        if wait:
            message = "You ask more often than this service allows; try again shortly."
            refusal = error_response(429, "rate_limited", message, request_id_of(scope))
            refusal.headers["Retry-After"] = str(math.ceil(wait))
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _wait(self, scope: Scope, key: str | None) -> float:
        path = scope["path"]
        if self._limiter is None or not path.startswith("/v1/"):
            return 0.0
        client = scope.get("client")
        caller = address_group(client[0] if client else None) if key is None else key
        picture = path.startswith("/v1/items/") and "/image/" in path
        return self._limiter.take(caller, _PICTURE_COST if picture else 1.0)


def is_open(path: str, open_metrics: bool = False) -> bool:
    """Whether a path needs no key, and is not counted; whatever is not listed needs one."""
    if path == "/metrics":
        return open_metrics
    return path in _OPEN or path.startswith(_OPEN_FOLDERS)


def document_keys(document: dict[str, Any], settings: Settings) -> None:
    """Add to an OpenAPI document what the settings ask of callers."""
    has_keys = settings.has_keys
    if has_keys:
        document["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
            "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    for path, methods in document["paths"].items():
        if is_open(path, settings.open_metrics):
            continue
        for operation in methods.values():
            if has_keys:
                operation["security"] = [{"bearer": []}, {"header": []}]
                operation["responses"]["401"] = _error("No API key, or one that is not known")
            if settings.rate_limit and path.startswith("/v1/"):
                operation["responses"]["429"] = _error("Asked too often; see Retry-After")


def _error(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ErrorResponse"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}
