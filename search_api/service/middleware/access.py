"""Access control: API keys and rate limits, before the body of a request is read."""

from __future__ import annotations

import math
from asyncio import sleep
from functools import partial
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_api.service.admission import (
    CostClass,
    CostTable,
    RateLimiter,
    Visit,
    address_group,
    begin_visit,
)
from search_api.service.admission.keys import KeyRing, presented_key
from search_api.service.middleware.request import error_response, request_id_of
from search_api.service.middleware.trace import current_trace
from search_api.service.settings import Settings

__all__ = ["AccessMiddleware", "document_keys", "is_open"]

# Paths for load balancers, and those that the page and the documentation need to ask for a key.
_OPEN = frozenset({"/", "/healthz", "/readyz", "/docs", "/openapi.json"})
_OPEN_FOLDERS = ("/static/", "/docs/assets/")

# What load balancers and monitors ask for. One address gets so many answers a second without delay;
# each costs little, but a flood of them holds up the event loop.
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_PROBES_A_SECOND, _PROBES_AT_ONCE = 50.0, 100.0
_LONGEST_PAUSE = 2.0

# Wrong keys of one address that are answered without delay, and seconds of the longest delay. A
# client that has a wrong key by mistake is not held up; one that guesses is.
_GUESSES_A_SECOND, _GUESSES_AT_ONCE = 5.0, 100.0
_LONGEST_WAIT = 10.0

_UNAUTHORIZED = (
    "This service needs a valid API key: send one as Authorization: Bearer KEY, or as "
    "X-API-Key: KEY."
)
_FORBIDDEN = "This needs a key with the scope {}; the key that was sent has others."
_RATE_LIMITED = "Too many requests for this service's rate limit; try again shortly."


class AccessMiddleware:
    """Refuses requests without a valid key (401), and those over the caller's rate limit (429).

    Args:
        app: The application behind it.
        keys: The valid keys; without any, no key is needed.
        settings: The rate limit, and whether `/metrics` needs a key.
        costs: What the routes cost.
    """

    def __init__(self, app: ASGIApp, keys: KeyRing, settings: Settings, costs: CostTable) -> None:
        self._app = app
        self._keys = keys
        self._costs = costs
        self._open_metrics = settings.open_metrics
        self._probes = RateLimiter(_PROBES_A_SECOND, _PROBES_AT_ONCE)
        self._guesses = RateLimiter(_GUESSES_A_SECOND, _GUESSES_AT_ONCE)
        self._limiter = None
        if settings.rate_limit:
            self._limiter = RateLimiter(settings.rate_limit, settings.rate_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] in _PROBES:
            await _pace(self._probes, _address_of(scope), _LONGEST_PAUSE)
        if scope["type"] != "http" or is_open(scope["path"], open_metrics=self._open_metrics):
            begin_visit(Visit(cost=CostClass.OPEN))
            await self._app(scope, receive, send)
            return
        name = None
        cost, needed = self._costs.find(scope["method"], scope["path"])
        if self._keys:
            presented = presented_key(Headers(scope=scope))
            key = self._keys.find(presented)
            if key is None:
                if presented:
                    await _pace(self._guesses, _address_of(scope), _LONGEST_WAIT)
                refusal = _refusal(scope, 401, "unauthorized", _UNAUTHORIZED)
                refusal.headers["WWW-Authenticate"] = "Bearer"
                await refusal(scope, receive, send)
                return
            name = current_trace().key = key.name
            if not key.allows(needed):
                await _refusal(scope, 403, "forbidden", _FORBIDDEN.format(needed))(
                    scope, receive, send
                )
                return
        caller = _address_of(scope) if name is None else f"key {name}"
        limiter = self._limiter
        wait = 0.0 if limiter is None else limiter.take(caller, cost.charge)
        if wait:
            refusal = _refusal(scope, 429, "rate_limited", _RATE_LIMITED)
            refusal.headers["Retry-After"] = str(math.ceil(wait))
            await refusal(scope, receive, send)
            return
        visit = Visit(caller, cost)
        if limiter is not None:
            visit.charge = partial(limiter.charge, caller)
        begin_visit(visit)
        try:
            await self._app(scope, receive, send if name is None else _as_private(send))
        finally:
            visit.end()


async def _pace(limiter: RateLimiter, address: str, longest: float) -> None:
    """Let an address that asks too often wait for its answer."""
    wait = limiter.take(address)
    if wait:
        limiter.charge(address, 1.0)
        await sleep(min(wait, longest))


def _address_of(scope: Scope) -> str:
    client = scope.get("client")
    return address_group(client[0] if client else None)


def _as_private(send: Send) -> Send:
    """Say that an answer is for the one who has the key, and no shared cache may keep it."""

    async def send_as_private(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            given = headers.get("cache-control")
            headers["Cache-Control"] = f"private, {given}" if given else "private"
        await send(message)

    return send_as_private


def _refusal(scope: Scope, status: int, code: str, message: str) -> JSONResponse:
    return error_response(status, code, message, request_id_of(scope))


def is_open(path: str, *, open_metrics: bool) -> bool:
    """Return whether a path needs no key and has no rate limit; any path not listed does."""
    if path == "/metrics":
        return open_metrics
    return path in _OPEN or path.startswith(_OPEN_FOLDERS)


def document_keys(document: dict[str, Any], settings: Settings) -> None:
    """Add the keys and rate limits of the settings to an OpenAPI document."""
    has_keys = settings.has_keys
    if has_keys:
        document["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
            "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    for path, methods in document["paths"].items():
        if is_open(path, open_metrics=settings.open_metrics):
            continue
        for operation in methods.values():
            if has_keys:
                operation["security"] = [{"bearer": []}, {"header": []}]
                operation["responses"]["401"] = _error("No API key, or an unknown one")
                operation["responses"]["403"] = _error("A key without the scope that this needs")
            if settings.rate_limit and path.startswith("/v1/"):
                operation["responses"]["429"] = _error("Over the rate limit; see Retry-After")


def _error(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ErrorResponse"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}
