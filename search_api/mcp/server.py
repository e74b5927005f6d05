"""The MCP server over its two transports: standard input and output, and HTTP beside the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from indexer.search import Engine
from search_api.mcp.inner_service import InnerService, RefusedError
from search_api.mcp.tools import make_tools
from search_api.service import Settings, create_app
from search_api.service.middleware import configure_logs

__all__ = ["http_app", "serve_stdio"]


def serve_stdio(engine: Engine, settings: Settings) -> None:
    """Serve one assistant, which started this process, until it closes standard input.

    It needs no key: who can start the process can read the index.

    Args:
        engine: Answers the queries.
        settings: Limits of the service; its keys do not count.
    """
    open_to_all = settings.model_copy(
        update={"api_keys": SecretStr(""), "api_keys_file": None, "rate_limit": 0.0}
    )
    app = create_app(engine, open_to_all)
    configure_logs(settings.log_format)  # to standard error: standard output is the assistant's

    async def serve() -> None:
        async with app.router.lifespan_context(app):
            await make_tools(InnerService(app)).run_stdio_async()

    anyio.run(serve)


def http_app(app: FastAPI, host: str = "127.0.0.1") -> Starlette:
    """Return the service with the tools beside it, at `/mcp`.

    Every call needs a key where the service has keys, the same one.

    Args:
        app: The service.
        host: Where it listens. On a loopback address, only callers who name that are answered: a
            web page can't reach it by a name of its own.
    """
    service = InnerService(app)
    tools = make_tools(service).streamable_http_app(
        stateless_http=True, json_response=True, streamable_http_path="/mcp", host=host
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        async with (
            app.router.lifespan_context(app) as state,
            tools.router.lifespan_context(tools),
        ):
            yield state or {}  # the server's connections are bounded by what is in it

    return Starlette(
        routes=[Route("/mcp", _Guarded(tools, service)), Mount("/", app)], lifespan=lifespan
    )


class _Guarded:
    """The tools, for callers whom the service lets in."""

    def __init__(self, tools: Starlette, service: InnerService) -> None:
        self._tools = tools
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        caller = request.client or ("127.0.0.1", 0)
        try:
            await self._service.call(
                "GET", "/v1/index", headers=request.headers, caller=(caller[0], caller[1])
            )
        except RefusedError as error:
            kept = ("content-type", "retry-after", "www-authenticate", "x-request-id")
            headers = {n: error.answer.headers[n] for n in kept if n in error.answer.headers}
            refusal = Response(error.answer.content, error.answer.status_code, headers)
            await refusal(scope, receive, send)
        else:
            await self._tools(scope, receive, send)
