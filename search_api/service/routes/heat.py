"""Routes of heat maps, which show the regions of a product's image that match a query."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query as QueryParameter
from fastapi import Request
from fastapi.responses import Response

from indexer.search import ImagePart, LikePart, Query, TextPart
from search_api.service.admission import CostClass
from search_api.service.errors import InvalidRequestError
from search_api.service.requests import (
    HEAT_MAP_WORK,
    QueryImages,
    heat_map_body,
    read_body,
    work_of_searches,
)
from search_api.service.routes.route import NOT_FOUND, UNSUPPORTED, ProductIdInPath, Route
from search_api.service.schemas import MAX_PARTS, ProductId, SearchRequest, Text
from search_api.service.serving import Answering

__all__ = ["HeatRoutes"]

ImageNumber = Annotated[
    int, QueryParameter(ge=0, le=10_000, description="Number of the image, from 0.")
]


class HeatRoutes:
    """Heat maps; each needs 75 embeddings of the product's thumbnail, and is not cached.

    Args:
        answering: Embeds, with the queue and the deadline of all requests.
        images: Collects the images of queries.
    """

    def __init__(self, answering: Answering, images: QueryImages) -> None:
        self._answering = answering
        self._images = images

    def table(self) -> list[Route]:
        """Return the routes; they must precede those of products, whose ids may have slashes."""
        png = {200: {"content": {"image/png": {}}, "description": "A PNG as large as a thumbnail"}}
        path = "/v1/items/{product_id:product_id}/heatmap"
        answer = {"response_class": Response, "responses": {**png, **NOT_FOUND}}
        answer_to_body = {**answer, "responses": {**png, **NOT_FOUND, **UNSUPPORTED}}
        return [
            Route("GET", path, CostClass.HEAT_MAP, self.heatmap, answer),
            Route("POST", path, CostClass.HEAT_MAP, self.heatmap_of_query,
                  {**answer_to_body, "openapi_extra": heat_map_body()}),
        ]  # fmt: skip

    async def heatmap(
        self,
        request: Request,
        product_id: ProductIdInPath,
        q: Annotated[
            list[Text], QueryParameter(max_length=MAX_PARTS, description="Words; repeatable.")
        ] = [],  # noqa: B006 (FastAPI copies it)
        like: Annotated[
            list[ProductId],
            QueryParameter(max_length=MAX_PARTS, description="A product's id; repeatable."),
        ] = [],  # noqa: B006
        image: ImageNumber = 0,
    ) -> Response:
        """Show which regions of a product's image match words or other products, as a PNG."""
        if not q and not like:
            raise InvalidRequestError("q: give words, or products by like.")
        parts: list[TextPart | LikePart] = [TextPart(text) for text in q]
        parts += [LikePart(one) for one in like]
        async with self._answering.door.enter(request, HEAT_MAP_WORK + len(q)):
            return await self._heat_map(product_id, image, Query(parts=tuple(parts)))

    async def heatmap_of_query(
        self, request: Request, product_id: ProductIdInPath, image: ImageNumber = 0
    ) -> Response:
        """Show the same for any query of `/v1/search`, with an image or weighted parts.

        The query's image is not stored.
        """
        body = await read_body(request, SearchRequest)
        fetched = await self._images.fetch(body)
        work = HEAT_MAP_WORK + work_of_searches([body.json])
        async with self._answering.door.enter(request, work):
            query = await self._images.query(body, fetched)
            return await self._heat_map(product_id, image, query)

    async def _heat_map(self, product_id: str, number: int, query: Query) -> Response:
        content = await self._answering.heat_map(product_id, number, query)
        caching = {} if any(isinstance(part, ImagePart) for part in query.parts) else _CACHED
        return Response(content, media_type="image/png", headers=caching)


# Seconds, as for images: those of a generation never change, but a new one may have others.
_CACHED = {"Cache-Control": "max-age=300"}
