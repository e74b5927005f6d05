"""The sync and the async client behind one face, so that one test is of both."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from search_api.client.client import AsyncClient, Client

__all__ = ["KINDS", "Kind"]

Kind = Callable[..., Any]
Handler = Callable[[httpx.Request], httpx.Response]


class _Awaited:
    """An `AsyncClient` whose methods are waited for."""

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


def _made(kind: Kind) -> Kind:
    def make(*arguments: Any, transport: Handler | None = None, **options: Any) -> Any:
        """A client; a function in place of a service is given as `transport`."""
        mocked = None if transport is None else httpx.MockTransport(transport)
        return kind(*arguments, transport=mocked, **options)

    return make


KINDS = [_made(Client), _made(_Awaited)]
