"""Routes that find products: by a query of any kind, and by what was liked."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import Query as QueryParameter
from fastapi import Request
from fastapi.responses import Response

from search_api.service.requests import (
    QueryPictures,
    TextParameters,
    body_schema,
    read_body,
    read_json,
)
from search_api.service.routes.route import MISSING, UNSUPPORTED, Route, found
from search_api.service.schemas import RecommendRequest, SearchRequest, SearchResponse
from search_api.service.serving import Answering, attended

__all__ = ["SearchRoutes"]


class SearchRoutes:
    """Search and recommendations.

    Args:
        answering: Answers the queries.
        pictures: Gathers their pictures.
    """

    def __init__(self, answering: Answering, pictures: QueryPictures) -> None:
        self._answering = answering
        self._pictures = pictures

    def table(self) -> list[Route]:
        """The routes."""
        search, recommend = (
            body_schema(SearchRequest),
            body_schema(RecommendRequest, multipart=False),
        )
        answer = {"response_model": SearchResponse}
        return [
            Route("POST", "/v1/search", self.search,
                  {**answer, "openapi_extra": search, "responses": {**UNSUPPORTED, **MISSING}}),
            Route("GET", "/v1/search", self.search_text, answer),
            Route("POST", "/v1/recommend", self.recommend,
                  {**answer, "openapi_extra": recommend, "responses": MISSING}),
        ]  # fmt: skip

    async def search(self, request: Request) -> Response:
        """Search by text, picture, liked products and weighted parts.

        Send JSON, or multipart with a file part `image` and a part `query` holding the same JSON.
        """
        started = time.perf_counter()
        body = await read_body(request, SearchRequest)
        given = await self._pictures.given(body)
        async with attended(request), self._answering.admitted():
            query = await self._pictures.query(body.json, given)
            return await found(self._answering, query, started)

    async def search_text(
        self, request: Request, parameters: Annotated[TextParameters, QueryParameter()]
    ) -> Response:
        """Search by text alone."""
        started = time.perf_counter()
        async with attended(request), self._answering.admitted():
            return await found(self._answering, parameters.query(), started)

    async def recommend(self, request: Request) -> SearchResponse:
        """Products that go with several that are liked, and away from those that are not.

        Every liked product has a vote, so that several tastes are each served.
        """
        asked = await read_json(request, RecommendRequest)

        def work() -> SearchResponse:
            result = self._answering.engine.recommend(
                asked.liked, asked.disliked, asked.k, asked.filter, asked.fields, asked.diversity
            )
            return SearchResponse.of(result)

        with self._answering.room.taken():
            return await self._answering.run(work)
