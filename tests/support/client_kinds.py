"""Both clients behind one sync interface, and a fake service for them to call."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from search_api.client import AsyncClient, Client

__all__ = ["FOUND", "KINDS", "Kind", "MakeClient", "Service", "ok", "refusal"]

Kind = Callable[..., Any]
MakeClient = Callable[..., Any]
"""Makes a client of a `Service`."""

_HIT = {
    "id": "a/1",
    "score": 0.5,
    "confidence": None,
    "image": "/v1/items/a%2F1/image/12",
    "fields": {"price": 5, "sale": True, "title": "1"},
}
FOUND = {"hits": [_HIT], "total": 1, "generation": 7, "model": "compact", "took_ms": 6.1}
"""A search's answer as a service of an older version gives it."""


class Service:
    """Transport that gives the answers it was made with, in turn, and keeps the requests."""

    def __init__(self, *answers: httpx.Response | type[Exception]) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer("broken", request=request)  # type: ignore[call-arg]

    @property
    def json(self) -> Any:
        """The body of the last request."""
        return json.loads(self.requests[-1].content)


def ok(body: Any = FOUND) -> httpx.Response:
    """A success."""
    return httpx.Response(200, json=body)


def refusal(status: int, code: str = "some_code", **headers: str) -> httpx.Response:
    """An error as the service answers it."""
    body = {"code": code, "message": "Do this.", "request_id": "4f1c"}
    return httpx.Response(status, json=body, headers=headers)


class _Blocking:
    """An `AsyncClient` whose methods block until they have a result."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._running = start_blocking_portal()
        self._portal: BlockingPortal = self._running.__enter__()
        try:
            self._client = self._portal.call(lambda: AsyncClient(*arguments, **options))
        except BaseException:
            self._running.__exit__(None, None, None)
            raise

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            return self._portal.call(functools.partial(method, *arguments, **options))

        return call

    def close(self) -> None:
        self._portal.call(self._client.aclose)
        self._running.__exit__(None, None, None)


def _mockable(kind: Kind) -> Kind:
    def make(*arguments: Any, transport: Service | None = None, **options: Any) -> Any:
        mocked = None if transport is None else httpx.MockTransport(transport)
        return kind(*arguments, transport=mocked, **options)

    return make


KINDS = [_mockable(Client), _mockable(_Blocking)]
