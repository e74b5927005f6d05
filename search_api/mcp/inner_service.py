"""Inner service: calls of the HTTP service of this process, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx
from fastapi import FastAPI

__all__ = ["InnerService", "RefusedError"]

# Headers of a caller by which the service knows who is asking.
_IDENTITY = ("authorization", "x-api-key", "x-forwarded-for")
_ANYBODY = ("127.0.0.1", 0)


class RefusedError(Exception):
    """The service refused a call; the message is its sentence for the caller.

    Attributes:
        answer: What it answered.
    """

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(answer.json()["message"])
        self.answer = answer


class InnerService:
    """Answers calls by the service's own routes: the same checks, limits and keys as over HTTP.

    Args:
        app: The service, started.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        caller: tuple[str, int] = _ANYBODY,
    ) -> httpx.Response:
        """Return the service's answer.

        Args:
            method: Of HTTP.
            path: Below the service's root, quoted.
            body: JSON; members that are None are left out.
            parameters: Of the query string.
            headers: The caller's; only those that say who is asking are passed on.
            caller: The caller's address.

        Raises:
            RefusedError: The service did not answer with status 200.
        """
        known = {name: value for name, value in (headers or {}).items() if name in _IDENTITY}
        sent = None if body is None else {k: v for k, v in body.items() if v is not None}
        transport = httpx.ASGITransport(self._app, client=caller)
        async with httpx.AsyncClient(transport=transport, base_url="http://lookalike") as link:
            answer = await link.request(
                method, path, json=sent, params=parameters, headers=known, timeout=None
            )
        if answer.status_code != HTTPStatus.OK:
            raise RefusedError(answer)
        return answer
