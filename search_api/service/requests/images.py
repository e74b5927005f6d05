"""The images of a search: uploaded, in base64, at a URL, or a region of a product's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from indexer.search import Query
from search_api.service.errors import InvalidRequestError
from search_api.service.requests.body import Body
from search_api.service.requests.image_urls import ImageUrls
from search_api.service.requests.queries import image_files, image_urls, region_product, to_query
from search_api.service.schemas import SearchRequest
from search_api.service.serving import Answering, QueryImage

__all__ = ["QueryImages"]


class QueryImages:
    """Collects and decodes the images of searches.

    Args:
        answering: Decodes, and gives products' own images.
        urls: Fetches.
    """

    def __init__(self, answering: Answering, urls: ImageUrls) -> None:
        self._answering = answering
        self._urls = urls

    async def fetch(self, body: Body[SearchRequest]) -> dict[str, bytes]:
        """Return the files at the URLs of a request; before it enters by the door.

        Raises:
            RequestError: An image can't be fetched.
        """
        return await self._urls.fetch(image_urls(body.json))

    async def query(self, body: Body[SearchRequest], fetched: Mapping[str, bytes]) -> Query:
        """Return the engine's query for a request.

        Args:
            body: The request.
            fetched: From `fetch`.

        Raises:
            ImageError: An image can't be used.
            RequestError: An image can't be read, or there is a region but no image.
            UnknownProductError: The product whose image the region belongs to does not exist.
        """
        product = region_product(body)
        own = None if product is None else await self._own_image(product)
        files = image_files(body, fetched, own)
        images = await asyncio.gather(*map(self._answering.decode, files.values()))
        return to_query(body.json, dict(zip(files, images, strict=True)))

    async def for_items(
        self, body: Body[SearchRequest], fetched: Mapping[str, bytes]
    ) -> tuple[str, bytes, dict[str, QueryImage]] | None:
        """Return the field and the file of the image that has items, and the other images.

        None if the request has no image of its own. Errors as for `query`.
        """
        files = image_files(body, fetched)
        own = next((name for name in files if not name.startswith("parts.")), None)
        if own is None:
            return None
        data = files.pop(own).data
        images = await asyncio.gather(*map(self._answering.decode, files.values()))
        return own, data, dict(zip(files, images, strict=True))

    async def _own_image(self, product: str) -> bytes:
        index = self._answering.engine.index
        content = await self._answering.run(lambda: index.thumbnail(product, 0))
        if not content:
            raise InvalidRequestError(
                "region: this index was built without thumbnails; upload the product's image."
            )
        return content
