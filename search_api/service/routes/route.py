"""Route tables, and helpers that several routes share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Request
from fastapi import Path as PathParameter
from fastapi.responses import Response
from starlette.routing import Match

from embeddings import LookalikeError
from indexer.search import Query, SearchResult, TextPart
from search_api.service.admission import CostClass
from search_api.service.admission.keys import Scope
from search_api.service.errors import UnavailableError, is_unexpected
from search_api.service.middleware import current_trace
from search_api.service.schemas import ErrorResponse, SearchResponse
from search_api.service.serving import Answering

__all__ = [
    "LOOKING",
    "NOT_FOUND",
    "UNSUPPORTED",
    "ProductIdInPath",
    "Route",
    "allowed_methods",
    "error_of_one",
    "gather_all",
    "search_answer",
    "understood",
]

T = TypeVar("T")

ProductIdInPath = Annotated[str, PathParameter(examples=["15970"])]

# Error answers of some routes, for the documentation; `create_app` has those of all routes.
UNSUPPORTED: Mapping[int, Mapping[str, Any]] = {
    415: {"model": ErrorResponse, "description": "Not an image of a supported format"},
    504: {"model": ErrorResponse, "description": "An image's URL answers too slowly"},
}
LOOKING: Mapping[int, Mapping[str, Any]] = {
    501: {"model": ErrorResponse, "description": "What looks into images is not installed"},
}
NOT_FOUND: Mapping[int, Mapping[str, Any]] = {
    404: {"model": ErrorResponse, "description": "No such product or image"}
}


@dataclass(frozen=True)
class Route:
    """A method and a path, what they cost, the function that answers, and options of FastAPI.

    Keys need `scope` for it. A function whose cost class has a lane works inside
    `Answering.door.enter`.
    """

    method: str
    path: str
    cost: CostClass
    endpoint: Callable[..., Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    scope: Scope = Scope.READ

    def add_to(self, app: FastAPI) -> None:
        """Add the route to an application; a GET route answers HEAD too (RFC 9110, 9.1).

        The server leaves out the body. HEAD is a route of its own, since the OpenAPI document would
        have each operation twice.
        """
        app.add_api_route(self.path, self.endpoint, methods=[self.method], **self.options)
        if self.method == "GET":
            hidden = {**self.options, "include_in_schema": False}
            app.add_api_route(self.path, self.endpoint, methods=["HEAD"], **hidden)


def allowed_methods(request: Request) -> str:
    """Return the methods of a request's path, as the header `Allow` of an answer 405 lists them.

    Several routes may share a path, and an id may contain slashes, so that several paths match.
    """
    # A mounted folder of files has made its own path the root.
    root = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    scope = {**request.scope, "path_params": {}, "root_path": root}
    allowed: set[str] = set()
    for route in request.app.routes:
        match, _ = route.matches(scope)
        if match is not Match.NONE:
            # Mounted folders of files have no list of methods.
            allowed |= getattr(route, "methods", None) or {"GET", "HEAD"}
    return ", ".join(sorted(allowed))


async def gather_all(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return all results in order; if one fails, cancel the others."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def error_of_one(error: LookalikeError) -> LookalikeError:
    """Return the error of one query or image of several.

    Raises:
        LookalikeError: The error concerns the whole request, such as an overload.
    """
    if isinstance(error, UnavailableError) or is_unexpected(error):
        raise error
    return error


async def understood(answering: Answering, query: Query) -> Query:
    """Return a query with its texts read, as `Engine.understand` does."""
    if not query.has_negation:  # then it needs nothing of the index
        return answering.engine.understand(query)
    return await answering.run(lambda: answering.engine.understand(query))


async def search_answer(answering: Answering, query: Query, started: float) -> Response:
    """Answer a search; its JSON is written on the thread that searched, not on the event loop.

    Args:
        answering: Answers the query.
        query: The query.
        started: When the request arrived, by `time.perf_counter`.
    """
    current_trace().texts.extend(p.text for p in query.parts if isinstance(p, TextPart))
    query = await understood(answering, query)

    def to_json(result: SearchResult) -> bytes:
        return SearchResponse.of(result, answering.links, query).json()

    content = await answering.answer(query, to_json, started)
    return Response(content, media_type="application/json")
