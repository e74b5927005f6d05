"""Routes that tag pictures."""

from __future__ import annotations

import asyncio
import time

from fastapi import Request

from embeddings import LookalikeError
from search_api.service.errors import UnavailableError, status_of
from search_api.service.requests import (
    PictureUrls,
    TaggedPictures,
    body_schema,
    read_body,
    tagged_pictures,
)
from search_api.service.routes.route import UNSUPPORTED, Route, together
from search_api.service.schemas import (
    MAX_IMAGES,
    BatchError,
    TagResponse,
    TagsRequest,
    TagsResponse,
    TagsResult,
)
from search_api.service.serving import Answering, GivenPicture, Tagging, Wanted, attended

__all__ = ["TagRoutes"]

# Of one request, so that it fills a batch of the model and leaves room in the queue for others.
_AT_ONCE = 16


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
        tags = body_schema(TagsRequest, pictures=MAX_IMAGES)
        return [
            Route("POST", "/v1/tags", self.tags,
                  {"response_model": TagsResponse, "response_model_exclude_none": True,
                   "openapi_extra": tags, "responses": UNSUPPORTED}),
        ]  # fmt: skip

    async def tags(self, request: Request) -> TagsResponse:
        """Tag pictures: by taxonomies, with the caller's labels, or both.

        Send JSON, or multipart with file parts `image` and a part `query` holding the same JSON. Of
        a taxonomy's labels come those alone that are sure enough; of the caller's labels one is
        taken to be true. Of several pictures each succeeds or fails by itself.
        """
        started = time.perf_counter()
        body = await read_body(request, TagsRequest, MAX_IMAGES)
        asked, pictures = body.json, tagged_pictures(body)
        groups = None if asked.groups is None else frozenset(asked.groups)
        wanted = Wanted(asked.labels, asked.taxonomies, groups, asked.top)
        given = await together(self._given(pictures, one) for one in pictures.given)
        turns = asyncio.Semaphore(_AT_ONCE)
        async with attended(request), self._answering.admitted():
            tagging = await self._answering.tagging(wanted)
            results = await together(self._result(one, tagging, turns) for one in given)
        return TagsResponse(
            tags=None if pictures.several else _only(results),
            results=[_told(result) for result in results] if pictures.several else None,
            model=self._answering.engine.encoder.spec.name,
            took_ms=round(1000 * (time.perf_counter() - started), 2),
        )

    async def _given(
        self, pictures: TaggedPictures, one: str | bytes
    ) -> GivenPicture | LookalikeError:
        try:
            if pictures.by_url:
                fetched = await self._urls.fetch([str(one)])
                return GivenPicture(fetched[str(one)])
            return GivenPicture(pictures.data(one))
        except LookalikeError as error:
            return _its_own(error)

    async def _result(
        self, given: GivenPicture | LookalikeError, tagging: Tagging, turns: asyncio.Semaphore
    ) -> list[TagResponse] | LookalikeError:
        if isinstance(given, LookalikeError):
            return given
        try:
            async with turns:
                picture = await self._answering.picture(given)
                tags = await self._answering.tag(picture, tagging)
        except LookalikeError as error:
            return _its_own(error)
        return [TagResponse.of(tag) for tag in tags]


def _its_own(error: LookalikeError) -> LookalikeError:
    """What is wrong with one picture; what concerns all is raised."""
    if isinstance(error, UnavailableError) or status_of(error) == 500:
        raise error
    return error


def _only(results: list[list[TagResponse] | LookalikeError]) -> list[TagResponse]:
    (result,) = results
    if isinstance(result, LookalikeError):
        raise result
    return result


def _told(result: list[TagResponse] | LookalikeError) -> TagsResult:
    if isinstance(result, LookalikeError):
        error = BatchError(code=result.code, message=result.message)
        return TagsResult(status=status_of(result), error=error)
    return TagsResult(status=200, tags=result)
