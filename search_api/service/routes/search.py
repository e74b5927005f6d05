"""Routes that find products: by a query of any kind, and from liked products."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import Query as QueryParameter
from fastapi import Request
from fastapi.responses import Response

from embeddings.vision import ITEM_MODEL
from search_api.service.admission import CostClass
from search_api.service.requests import (
    ITEMS_WORK,
    Body,
    QueryImages,
    TextParameters,
    embed_files,
    embed_parts,
    json_body,
    read_body,
    read_json,
    search_body,
    work_of_embedding,
    work_of_parameters,
    work_of_recommendation,
    work_of_searches,
)
from search_api.service.routes.route import (
    LOOKING,
    NOT_FOUND,
    UNSUPPORTED,
    Route,
    gather_all,
    search_answer,
)
from search_api.service.routes.scenes import item_crops, search_scene
from search_api.service.schemas import (
    EmbedRequest,
    EmbedResponse,
    RecommendRequest,
    SearchRequest,
    SearchResponse,
)
from search_api.service.serving import Answering

__all__ = ["SearchRoutes"]


class SearchRoutes:
    """Search and recommendations.

    Args:
        answering: Answers the queries.
        images: Collects their images.
    """

    def __init__(self, answering: Answering, images: QueryImages) -> None:
        self._answering = answering
        self._images = images

    def table(self) -> list[Route]:
        """Return the routes."""
        search, recommend = search_body(), json_body(RecommendRequest)
        answer = {"response_model": SearchResponse}
        errors = {**UNSUPPORTED, **NOT_FOUND, **LOOKING}
        return [
            Route("POST", "/v1/search", CostClass.SEARCH, self.search,
                  {**answer, "openapi_extra": search, "responses": errors}),
            Route("GET", "/v1/search", CostClass.SEARCH, self.search_text, answer),
            Route("POST", "/v1/embed", CostClass.SEARCH, self.embed,
                  {"response_model": EmbedResponse, "openapi_extra": json_body(EmbedRequest),
                   "responses": UNSUPPORTED}),
            Route("POST", "/v1/recommend", CostClass.SEARCH, self.recommend,
                  {**answer, "openapi_extra": recommend, "responses": NOT_FOUND}),
        ]  # fmt: skip

    async def search(self, request: Request) -> Response:
        """Search by text, image, liked products and weighted parts.

        Send JSON, or multipart with a file part `image` and a part `query` holding the same JSON.
        """
        started = time.perf_counter()
        body = await read_body(request, SearchRequest)
        fetched = await self._images.fetch(body)
        if body.json.items is not None:
            return await self._search_items(request, body, fetched, started)
        async with self._answering.door.enter(request, work_of_searches([body.json])):
            query = await self._images.query(body, fetched)
            return await search_answer(self._answering, query, started)

    async def _search_items(
        self,
        request: Request,
        body: Body[SearchRequest],
        fetched: dict[str, bytes],
        started: float,
    ) -> Response:
        ITEM_MODEL.runtime()
        answering = self._answering
        await answering.lookers.prepare(item_crops(answering))
        work = ITEMS_WORK + work_of_searches([body.json])
        async with answering.door.enter(request, work):
            images = await self._images.for_items(body, fetched)
            if images is None:
                query = await self._images.query(body, fetched)
                return await search_answer(answering, query, started)
            answer = await search_scene(answering, body.json, *images, started=started)
            return Response(answer.json(), media_type="application/json")

    async def search_text(
        self, request: Request, parameters: Annotated[TextParameters, QueryParameter()]
    ) -> Response:
        """Search by text alone."""
        started = time.perf_counter()
        async with self._answering.door.enter(request, work_of_parameters(parameters)):
            return await search_answer(self._answering, parameters.query(), started)

    async def embed(self, request: Request) -> EmbedResponse:
        """Return the vectors of texts and images, as this index compares them.

        A vector can be a part of a search, here or in a program of your own.
        """
        started = time.perf_counter()
        body = await read_json(request, EmbedRequest)
        files = embed_files(body)
        answering = self._answering
        async with answering.door.enter(request, work_of_embedding(body)):
            images = await gather_all(answering.decode(file) for file in files)
            parts = embed_parts(body, images)
            vectors = await answering.run(lambda: answering.engine.embed_each(parts))
        spec = answering.engine.encoder.spec
        return EmbedResponse(
            vectors=tuple(tuple(row) for row in vectors.tolist()),
            model=spec.name,
            fingerprint=spec.fingerprint,
            dim=spec.dim,
            took_ms=round(1000 * (time.perf_counter() - started), 2),
        )

    async def recommend(self, request: Request) -> SearchResponse:
        """Find products near the liked ones and away from the disliked ones.

        Every liked product counts by itself, so that each of several tastes gets hits.
        """
        body = await read_json(request, RecommendRequest)

        def work() -> SearchResponse:
            result = self._answering.engine.recommend(
                body.liked, body.disliked, body.k, body.filter, body.fields, body.diversity
            )
            return SearchResponse.of(result, self._answering.links)

        async with self._answering.door.enter(request, work_of_recommendation(body)):
            return await self._answering.run(work)
