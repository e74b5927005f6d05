"""Routes of single products: their fields, images, similar products, and completions of names."""

from __future__ import annotations

import time
from io import BytesIO
from typing import Annotated

from fastapi import Path as PathParameter
from fastapi import Query as QueryParameter
from fastapi import Request
from fastapi.responses import Response
from PIL import Image

from indexer import UnknownProductError
from search_api.service.admission import CostClass
from search_api.service.requests import SimilarParameters, work_of_parameters
from search_api.service.routes.route import NOT_FOUND, ProductIdInPath, Route, search_answer
from search_api.service.schemas import ItemResponse, SearchResponse, SuggestResponse
from search_api.service.serving import Answering

__all__ = ["ItemRoutes"]

_QUALITY = 80  # of WebP: half the bytes of 95, without visible loss at this size


class ItemRoutes:
    """Products by their ids.

    Args:
        answering: Gives products, and answers queries.
    """

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    def table(self) -> list[Route]:
        """Return the routes; of two that match a path, the first one answers."""
        webp = {200: {"content": {"image/webp": {}}, "description": "A WebP thumbnail"}}
        item = "/v1/items/{product_id:product_id}"
        return [
            Route("GET", f"{item}/image/{{number:image_number}}", CostClass.IMAGE, self.item_image,
                  {"response_class": Response, "responses": {**webp, **NOT_FOUND}}),
            Route("GET", f"{item}/similar", CostClass.SEARCH, self.similar,
                  {"response_model": SearchResponse, "responses": NOT_FOUND}),
            Route("GET", "/v1/suggest", CostClass.LOOKUP, self.suggest,
                  {"response_model": SuggestResponse}),
            Route("GET", item, CostClass.LOOKUP, self.item,
                  {"response_model": ItemResponse, "responses": NOT_FOUND}),
        ]  # fmt: skip

    async def item(self, request: Request, product_id: ProductIdInPath) -> ItemResponse:
        """Return one product by its id."""
        async with self._answering.door.enter(request):
            return await self._answering.run(
                lambda: ItemResponse.of(
                    self._answering.engine.product(product_id), self._answering.links
                )
            )

    async def suggest(
        self,
        request: Request,
        q: Annotated[
            str,
            QueryParameter(
                max_length=2000, description="What was typed so far.", examples=["red dr"]
            ),
        ],
        k: Annotated[
            int, QueryParameter(ge=1, le=20, description="Completions to return at most.")
        ] = 8,
    ) -> SuggestResponse:
        """Complete what is typed: titles, and frequent values and tags of the catalog.

        Each typed word begins a word of every completion.
        """

        def work() -> SuggestResponse:
            index = self._answering.engine.index
            return SuggestResponse.of(index.complete(q, k), index.manifest.generation)

        async with self._answering.door.enter(request):
            return await self._answering.run(work)

    async def similar(
        self,
        request: Request,
        product_id: ProductIdInPath,
        parameters: Annotated[SimilarParameters, QueryParameter()],
    ) -> Response:
        """Find products that look like one, nearest first; it is not among the hits."""
        started = time.perf_counter()
        query = parameters.query(product_id)
        async with self._answering.door.enter(request, work_of_parameters(parameters)):
            return await search_answer(self._answering, query, started)

    async def item_image(
        self,
        request: Request,
        product_id: ProductIdInPath,
        number: Annotated[int, PathParameter(ge=0, le=10_000, description="From 0.")],
        size: Annotated[
            int | None, QueryParameter(ge=16, le=320, description="Longest side in pixels.")
        ] = None,
    ) -> Response:
        """Return an image of a product, as a WebP thumbnail of at most 320 pixels."""
        async with self._answering.door.enter(request, CostClass.IMAGE.charge):
            content = await self._answering.run(lambda: self._thumbnail(product_id, number, size))
        # Images of a generation never change, but a new generation may have others.
        return Response(content, media_type="image/webp", headers={"Cache-Control": "max-age=300"})

    def _thumbnail(self, product_id: str, number: int, size: int | None) -> bytes:
        content = self._answering.engine.index.thumbnail(product_id, number)
        if not content:
            raise UnknownProductError("This index was built without thumbnails.")
        if size is None:
            return content
        image = Image.open(BytesIO(content), formats=["WEBP"])
        image.thumbnail((size, size))
        out = BytesIO()
        image.save(out, "WEBP", quality=_QUALITY)
        return out.getvalue()
