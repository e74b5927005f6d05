"""The pictures of a search: uploaded, in base64, at a URL, or a part of a product's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from indexer.search import Query
from search_api.service.errors import InvalidRequestError
from search_api.service.requests.body import Body, given_pictures, picture_urls, region_of, to_query
from search_api.service.requests.image_urls import PictureUrls
from search_api.service.schemas import SearchRequest
from search_api.service.serving import Answering, GivenPicture

__all__ = ["QueryPictures"]


class QueryPictures:
    """Gathers and decodes what searches look for.

    Args:
        answering: Decodes, and knows the index.
        urls: Fetches.
    """

    def __init__(self, answering: Answering, urls: PictureUrls) -> None:
        self._answering = answering
        self._urls = urls

    async def given(self, body: Body[SearchRequest]) -> dict[str, GivenPicture]:
        """The picture files of a request, by the field that each came in; errors as `query`."""
        fetched = await self._urls.fetch(picture_urls(body.json))
        product = region_of(body)
        own = None if product is None else await self._own_picture(product)
        return given_pictures(body, fetched, own)

    async def query(self, asked: SearchRequest, given: Mapping[str, GivenPicture]) -> Query:
        """The engine's query for a request and its pictures.

        Raises:
            RequestError: A picture can't be had, or a region is given and no picture.
            ImageError: A picture can't be used.
            UnknownProductError: The product whose picture the region is a part of.
        """
        opened = await asyncio.gather(*map(self._answering.picture, given.values()))
        return to_query(asked, dict(zip(given, opened, strict=True)))

    async def _own_picture(self, product: str) -> bytes:
        index = self._answering.engine.index
        content = await self._answering.run(lambda: index.thumbnail(product, 0))
        if not content:
            raise InvalidRequestError(
                "region: this index was built without thumbnails; upload the product's picture."
            )
        return content
