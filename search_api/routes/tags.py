"""Routes that tag pictures."""

from __future__ import annotations

import time

from fastapi import Request

from search_api.answering import Answering
from search_api.picture_urls import PictureUrls
from search_api.requests import body_schema, only_picture, picture_urls, read_body
from search_api.routes.route import UNSUPPORTED, Route
from search_api.schemas import TagResponse, TagsRequest, TagsResponse
from search_api.serving.attendance import attended

__all__ = ["TagRoutes"]


class TagRoutes:
    """Tags of pictures.

    Args:
        answering: Tags.
        urls: Fetches the pictures that are given by URL.
    """

    def __init__(self, answering: Answering, urls: PictureUrls) -> None:
        self._answering = answering
        self._urls = urls

    def table(self) -> list[Route]:
        """The routes."""
        tags = body_schema(TagsRequest)
        return [
            Route("POST", "/v1/tags", self.tags,
                  {"response_model": TagsResponse, "openapi_extra": tags,
                   "responses": UNSUPPORTED}),
        ]  # fmt: skip

    async def tags(self, request: Request) -> TagsResponse:
        """Tag a picture with the caller's labels, of which one is taken to be true.

        Send JSON, or multipart with a file part `image` and a part `query` holding the same JSON.
        """
        started = time.perf_counter()
        body = await read_body(request, TagsRequest)
        fetched = await self._urls.fetch(picture_urls(body.json))

        given = only_picture(body, fetched)
        async with attended(request), self._answering.admitted():
            picture = await self._answering.picture(given)
            tags = await self._answering.tag(picture, body.json.labels, body.json.top)
        return TagsResponse(
            tags=[TagResponse.of(tag) for tag in tags],
            model=self._answering.engine.encoder.spec.name,
            took_ms=round(1000 * (time.perf_counter() - started), 2),
        )
