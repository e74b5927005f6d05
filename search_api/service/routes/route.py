"""What a route is, and what several of them share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI
from fastapi import Path as PathParameter
from fastapi.responses import Response

from indexer.search import Query, SearchResult, TextPart
from search_api.service.middleware import current_trace
from search_api.service.schemas import ErrorResponse, SearchResponse
from search_api.service.serving import Answering

__all__ = ["MISSING", "UNSUPPORTED", "ProductIdInPath", "Route", "found", "together"]

T = TypeVar("T")

ProductIdInPath = Annotated[str, PathParameter(examples=["15970"])]

# Answers beside those that every route has, for the documentation.
UNSUPPORTED: Mapping[int, Mapping[str, Any]] = {
    415: {"model": ErrorResponse, "description": "Not a picture we read"},
    504: {"model": ErrorResponse, "description": "A picture's URL answers too slowly"},
}
MISSING: Mapping[int, Mapping[str, Any]] = {
    404: {"model": ErrorResponse, "description": "No such product or picture"}
}


@dataclass(frozen=True)
class Route:
    """A method and a path, the function that answers, and what the documentation tells of it."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    options: Mapping[str, Any] = field(default_factory=dict)

    def add_to(self, app: FastAPI) -> None:
        """Let the application answer it."""
        app.add_api_route(self.path, self.endpoint, methods=[self.method], **self.options)


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All results in order; when one fails, the others are given up."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def found(answering: Answering, query: Query, started: float) -> Response:
    """A search's answer, written on the thread that searched: the loop only sends it."""

    def written(result: SearchResult) -> bytes:
        return SearchResponse.of(result, query).json()

    current_trace().texts.extend(p.text for p in query.parts if isinstance(p, TextPart))
    content = await answering.answer(query, written, started)
    return Response(content, media_type="application/json")
