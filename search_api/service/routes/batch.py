"""Route that answers many searches at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import Response

from embeddings import LookalikeError
from indexer.search import SearchResult
from search_api.service.admission import CostClass
from search_api.service.errors import status_of
from search_api.service.requests import (
    Body,
    QueryImages,
    json_body,
    parse_value,
    read_json,
    work_of_searches,
)
from search_api.service.routes.route import (
    NOT_FOUND,
    Route,
    error_of_one,
    gather_all,
    understood,
)
from search_api.service.schemas import (
    BatchError,
    BatchRequest,
    BatchResponse,
    BatchResult,
    SearchRequest,
    SearchResponse,
)
from search_api.service.serving import Answering

__all__ = ["BatchRoutes"]

# Queries of one request at the same time: they fill a batch of the model, and leave room in the
# queue for other requests.
_PARALLEL = 16

T = TypeVar("T")

_Prepared = tuple[SearchRequest, dict[str, bytes]]


class BatchRoutes:
    """Many searches in one request.

    Args:
        answering: Answers them.
        images: Collects their images.
    """

    def __init__(self, answering: Answering, images: QueryImages) -> None:
        self._answering = answering
        self._images = images

    def table(self) -> list[Route]:
        """Return the routes."""
        options = {
            "response_model": BatchResponse,
            "openapi_extra": json_body(BatchRequest),
            "responses": NOT_FOUND,
        }
        return [Route("POST", "/v1/search/batch", CostClass.SEARCH, self.batch, options)]

    async def batch(self, request: Request) -> Response:
        """Answer many searches in one request; each succeeds or fails by itself.

        Answers are in the order of the queries. Their texts and images go through the model
        together. A problem of the whole service, such as an overload, fails the request.
        """
        started = time.perf_counter()
        batch = await read_json(request, BatchRequest)
        prepared = await gather_all(_settled(self._prepare(query)) for query in batch.queries)
        work = work_of_searches(one[0] for one in prepared if not isinstance(one, LookalikeError))
        # Fewer at a time, if each has many texts and images.
        turns = asyncio.Semaphore(max(1, int(_PARALLEL * len(prepared) / max(work, len(prepared)))))
        async with self._answering.door.enter(request, work):
            results = await gather_all(self._result(one, turns) for one in prepared)
        took_ms = round(1000 * (time.perf_counter() - started), 2)
        content = b'{"results":[%b],"took_ms":%a}' % (b",".join(results), took_ms)
        return Response(content, media_type="application/json")

    async def _prepare(self, query: Any) -> _Prepared:
        request = parse_value(SearchRequest, query)
        return request, await self._images.fetch(Body(request, None))

    async def _result(
        self,
        one: _Prepared | LookalikeError,
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

    async def _answer(self, request: SearchRequest, fetched: dict[str, bytes]) -> bytes:
        started = time.perf_counter()
        read = await self._images.query(Body(request, None), fetched)
        query = await understood(self._answering, read)

        def to_json(result: SearchResult) -> bytes:
            answer = SearchResponse.of(result, self._answering.links, query)
            return BatchResult(status=200, answer=answer).model_dump_json().encode()

        return await self._answering.answer(query, to_json, started)


async def _settled(coroutine: Coroutine[Any, Any, T]) -> T | LookalikeError:
    """Return the result or the error of one query; raise what concerns all queries."""
    try:
        return await coroutine
    except LookalikeError as error:
        return error_of_one(error)
