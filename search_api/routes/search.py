"""Routes that find products: by a query of any kind, and by what was liked."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from fastapi import Query as QueryParameter
from fastapi import Request
from fastapi.responses import Response

from indexer.query import KEYWORD_WEIGHT, Query, SearchMode, TextPart
from search_api.answering import Answering
from search_api.picture_urls import PictureUrls
from search_api.requests import (
    body_schema,
    given_pictures,
    picture_urls,
    read_body,
    read_json,
    to_query,
)
from search_api.routes.route import MISSING, UNSUPPORTED, Route, found
from search_api.schemas import (
    MAX_K,
    MAX_OFFSET,
    RecommendRequest,
    SearchRequest,
    SearchResponse,
    Text,
)
from search_api.serving.attendance import attended

__all__ = ["SearchRoutes"]


class SearchRoutes:
    """Search and recommendations.

    Args:
        answering: Answers the queries.
        urls: Fetches the pictures that they give by URL.
    """

    def __init__(self, answering: Answering, urls: PictureUrls) -> None:
        self._answering = answering
        self._urls = urls

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
        fetched = await self._urls.fetch(picture_urls(body.json))
        given = given_pictures(body, fetched)
        async with attended(request), self._answering.deadline():
            opened = await asyncio.gather(*map(self._answering.picture, given.values()))
            query = to_query(body.json, dict(zip(given, opened, strict=True)))
            return await found(self._answering, query, started)

    async def search_text(
        self,
        request: Request,
        q: Annotated[Text, QueryParameter(description="The words.", examples=["red dress"])],
        k: Annotated[int, QueryParameter(ge=1, le=MAX_K, description="How many hits.")] = 20,
        offset: Annotated[
            int, QueryParameter(ge=0, le=MAX_OFFSET, description="How many hits to skip.")
        ] = 0,
        fields: Annotated[list[str] | None, QueryParameter(examples=[["title"]])] = None,
        mode: Annotated[
            SearchMode, QueryParameter(description="What decides about the order of hits.")
        ] = SearchMode.VECTOR,
        keyword_weight: Annotated[
            float, QueryParameter(ge=0, le=1, description="The words' share in hybrid mode.")
        ] = KEYWORD_WEIGHT,
        min_confidence: Annotated[
            float, QueryParameter(ge=0, le=1, description="Hits of less confidence are left out.")
        ] = 0.0,
    ) -> Response:
        """Search by text alone."""
        started = time.perf_counter()
        names = None if fields is None else tuple(fields)
        query = Query(
            parts=(TextPart(q),),
            k=k,
            offset=offset,
            fields=names,
            mode=mode,
            keyword_weight=keyword_weight,
            min_confidence=min_confidence,
        )
        async with attended(request), self._answering.deadline():
            return await found(self._answering, query, started)

    async def recommend(self, request: Request) -> SearchResponse:
        """Products that go with several that are liked, and away from those that are not.

        Every liked product has a vote, so that several tastes are each served.
        """
        asked = await read_json(request, RecommendRequest)
        return await self._answering.run(
            lambda: SearchResponse.of(
                self._answering.engine.recommend(
                    asked.liked,
                    asked.disliked,
                    asked.k,
                    asked.filter,
                    asked.fields,
                    asked.diversity,
                )
            )
        )
