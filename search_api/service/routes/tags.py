"""Route that tags images."""

from __future__ import annotations

import asyncio
import time

from fastapi import Request

from embeddings import LookalikeError
from search_api.service.admission import CostClass
from search_api.service.errors import status_of
from search_api.service.requests import (
    ImageUrls,
    TagImages,
    read_body,
    tag_images,
    tags_body,
    work_of_tags,
)
from search_api.service.routes.route import UNSUPPORTED, Route, error_of_one, gather_all
from search_api.service.schemas import (
    MAX_IMAGES,
    BatchError,
    TagResponse,
    TagsRequest,
    TagsResponse,
    TagsResult,
)
from search_api.service.serving import (
    Answering,
    ImageFile,
    TagOptions,
    TagPlan,
)

__all__ = ["TagRoutes"]

# Images of one request at the same time: they fill a batch of the model, and leave room in the
# queue for other requests.
_PARALLEL = 16


class TagRoutes:
    """Tags of images.

    Args:
        answering: Tags the images.
        urls: Fetches images that are given by URL.
    """

    def __init__(self, answering: Answering, urls: ImageUrls) -> None:
        self._answering = answering
        self._urls = urls

    def table(self) -> list[Route]:
        """Return the routes."""
        tags = tags_body()
        return [
            Route("POST", "/v1/tags", CostClass.SEARCH, self.tags,
                  {"response_model": TagsResponse, "response_model_exclude_none": True,
                   "openapi_extra": tags, "responses": UNSUPPORTED}),
        ]  # fmt: skip

    async def tags(self, request: Request) -> TagsResponse:
        """Tag images: by taxonomies, with the caller's labels, or both.

        Send JSON, or multipart with file parts `image` and a part `query` holding the same JSON.
        Labels of a taxonomy are returned if they are above their threshold; of the caller's labels,
        one is assumed true. Of several images, each succeeds or fails by itself.
        """
        started = time.perf_counter()
        body = await read_body(request, TagsRequest, MAX_IMAGES)
        images, options = tag_images(body), _options(body.json)
        files = await gather_all(self._file(images, one) for one in images.given)
        turns = asyncio.Semaphore(_PARALLEL)
        work = work_of_tags(len(files), body.json)
        async with self._answering.door.enter(request, work):
            plan = await self._answering.tag_plan(options)
            results = await gather_all(self._result(file, plan, turns) for file in files)
        return TagsResponse(
            tags=None if images.several else _only(results),
            results=[_to_result(result) for result in results] if images.several else None,
            model=self._answering.engine.encoder.spec.name,
            took_ms=round(1000 * (time.perf_counter() - started), 2),
        )

    async def _file(self, images: TagImages, one: str | bytes) -> ImageFile | LookalikeError:
        try:
            if images.by_url:
                fetched = await self._urls.fetch([str(one)])
                return ImageFile(fetched[str(one)])
            return ImageFile(images.data(one))
        except LookalikeError as error:
            return error_of_one(error)

    async def _result(
        self, file: ImageFile | LookalikeError, plan: TagPlan, turns: asyncio.Semaphore
    ) -> list[TagResponse] | LookalikeError:
        if isinstance(file, LookalikeError):
            return file
        try:
            async with turns:
                image = await self._answering.decode(file)
                tags = await self._answering.tag(image, plan)
        except LookalikeError as error:
            return error_of_one(error)
        return [TagResponse.of(tag) for tag in tags]


def _options(request: TagsRequest) -> TagOptions:
    groups = None if request.groups is None else frozenset(request.groups)
    return TagOptions(request.labels, request.taxonomies, groups, request.top)


def _only(results: list[list[TagResponse] | LookalikeError]) -> list[TagResponse]:
    (result,) = results
    if isinstance(result, LookalikeError):
        raise result
    return result


def _to_result(result: list[TagResponse] | LookalikeError) -> TagsResult:
    if isinstance(result, LookalikeError):
        error = BatchError(code=result.code, message=result.message)
        return TagsResult(status=status_of(result), error=error)
    return TagsResult(status=200, tags=result)
