"""Routes of heat maps: which regions of a product's picture carried a match."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query as QueryParameter
from fastapi import Request
from fastapi.responses import Response

from indexer.search import ImagePart, LikePart, Query, TextPart
from search_api.service.errors import InvalidRequestError
from search_api.service.requests import QueryPictures, body_schema, read_body
from search_api.service.routes.route import MISSING, UNSUPPORTED, ProductIdInPath, Route
from search_api.service.schemas import MAX_PARTS, ProductId, SearchRequest, Text
from search_api.service.serving import Answering, attended

__all__ = ["HeatRoutes"]

PictureNumber = Annotated[
    int, QueryParameter(ge=0, le=10_000, description="Which of its pictures, from 0.")
]


class HeatRoutes:
    """Heat maps; a map is made of 75 embeddings of the product's thumbnail, and nothing is kept.

    Args:
        answering: Embeds, with the queue and the deadline of all others.
        pictures: Gathers the pictures of queries.
    """

    def __init__(self, answering: Answering, pictures: QueryPictures) -> None:
        self._answering = answering
        self._pictures = pictures

    def table(self) -> list[Route]:
        """The routes; they come before those of a product by itself, whose ids may have slashes."""
        png = {200: {"content": {"image/png": {}}, "description": "A PNG as large as a thumbnail"}}
        path = "/v1/items/{product_id:product_id}/heatmap"
        answer = {"response_class": Response, "responses": {**png, **MISSING}}
        given = {**answer, "responses": {**png, **MISSING, **UNSUPPORTED}}
        return [
            Route("GET", path, self.heatmap, answer),
            Route("POST", path, self.heatmap_of_query,
                  {**given, "openapi_extra": body_schema(SearchRequest)}),
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
        image: PictureNumber = 0,
    ) -> Response:
        """Which regions of a product's picture are like words or other products, as a PNG."""
        if not q and not like:
            raise InvalidRequestError("q: give words, or products by like.")
        parts: list[TextPart | LikePart] = [TextPart(text) for text in q]
        parts += [LikePart(one) for one in like]
        async with attended(request), self._answering.admitted():
            return await self._drawn(product_id, image, Query(parts=tuple(parts)))

    async def heatmap_of_query(
        self, request: Request, product_id: ProductIdInPath, image: PictureNumber = 0
    ) -> Response:
        """The same for any query, sent as to `/v1/search`: with a picture, or weighted parts.

        The query's picture is not stored.
        """
        body = await read_body(request, SearchRequest)
        given = await self._pictures.given(body)
        async with attended(request), self._answering.admitted():
            query = await self._pictures.query(body.json, given)
            return await self._drawn(product_id, image, query)

    async def _drawn(self, product_id: str, number: int, query: Query) -> Response:
        content = await self._answering.heat(product_id, number, query)
        caching = {} if any(isinstance(part, ImagePart) for part in query.parts) else _CACHED
        return Response(content, media_type="image/png", headers=caching)


# As pictures are: a generation's never change, but the same path may show another one later.
_CACHED = {"Cache-Control": "max-age=300"}
