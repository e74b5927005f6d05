"""The route that answers many searches at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import Response

from embeddings import LookalikeError
from indexer.search import SearchResult
from search_api.service.errors import UnavailableError, status_of
from search_api.service.requests import Body, QueryPictures, body_schema, parse_value, read_json
from search_api.service.routes.route import MISSING, Route, together
from search_api.service.schemas import (
    BatchError,
    BatchRequest,
    BatchResponse,
    BatchResult,
    SearchRequest,
    SearchResponse,
)
from search_api.service.serving import Answering, GivenPicture, attended

__all__ = ["BatchRoutes"]

# Of one request, so that it fills a batch of the model and leaves room in the queue for others.
_AT_ONCE = 16

T = TypeVar("T")


class BatchRoutes:
    """Many searches in one request.

    Args:
        answering: Answers them.
        pictures: Gathers their pictures.
    """

    def __init__(self, answering: Answering, pictures: QueryPictures) -> None:
        self._answering = answering
        self._pictures = pictures

    def table(self) -> list[Route]:
        """The routes."""
        batch = body_schema(BatchRequest, multipart=False)
        return [
            Route("POST", "/v1/search/batch", self.batch,
                  {"response_model": BatchResponse, "openapi_extra": batch, "responses": MISSING}),
        ]  # fmt: skip

    async def batch(self, request: Request) -> Response:
        """Many searches in one request; each succeeds or fails by itself.

        Answers come in the order of the queries, whose texts and pictures go through the model
        together. What keeps the service from answering anything, such as an overload, fails all.
        """
        started = time.perf_counter()
        asked = await read_json(request, BatchRequest)
        given = await together(_settled(self._given(query)) for query in asked.queries)
        turns = asyncio.Semaphore(_AT_ONCE)
        async with attended(request), self._answering.admitted():
            results = await together(self._result(one, turns) for one in given)
        took_ms = round(1000 * (time.perf_counter() - started), 2)
        content = b'{"results":[%b],"took_ms":%a}' % (b",".join(results), took_ms)
        return Response(content, media_type="application/json")

    async def _given(self, query: Any) -> tuple[SearchRequest, dict[str, GivenPicture]]:
        asked = parse_value(SearchRequest, query)
        return asked, await self._pictures.given(Body(asked, None))

    async def _result(
        self,
        one: tuple[SearchRequest, dict[str, GivenPicture]] | LookalikeError,
        turns: asyncio.Semaphore,
    ) -> bytes:
        if not isinstance(one, LookalikeError):
            async with turns:
                answer = await _settled(self._answer(*one))
            if isinstance(answer, bytes):
                return answer
            one = answer
        error = BatchError(code=one.code, message=one.message)
        return BatchResult(status=status_of(one), error=error).model_dump_json().encode()

    async def _answer(self, asked: SearchRequest, given: dict[str, GivenPicture]) -> bytes:
        started = time.perf_counter()
        query = await self._pictures.query(asked, given)

        def written(result: SearchResult) -> bytes:
            answer = BatchResult(status=200, answer=SearchResponse.of(result, query))
            return answer.model_dump_json().encode()

        return await self._answering.answer(query, written, started)


async def _settled(work: Coroutine[Any, Any, T]) -> T | LookalikeError:
    """What came of one query; what concerns all is raised."""
    try:
        return await work
    except LookalikeError as error:
        if isinstance(error, UnavailableError) or status_of(error) == 500:
            raise
        return error
