"""Routes that look into an image: what is in it, is it fit to show, what is written on it."""

from __future__ import annotations

import time

from fastapi import Request

from embeddings.vision import (
    ITEM_MODEL,
    UNSAFE_SCORE,
    UNSAFE_SKIN_SCORE,
    check_moderation,
    check_reading,
    read_text,
    unsafe_score,
)
from search_api.service.admission import CostClass
from search_api.service.requests import (
    ITEMS_WORK,
    LOOK_WORK,
    ImageUrls,
    look_body,
    read_body,
    read_look_image,
)
from search_api.service.routes.route import LOOKING, UNSUPPORTED, Route
from search_api.service.routes.scenes import item_crops, look_at_scene
from search_api.service.schemas import (
    DetectResponse,
    LookRequest,
    ModerateRequest,
    ModerateResponse,
    ReadResponse,
)
from search_api.service.serving import Answering, ImageFile, TagOptions

__all__ = ["VisionRoutes"]

_MODERATION_TAGS = TagOptions((), ("retail",), frozenset({"moderation"}), 5)


class VisionRoutes:
    """What detectors find in an image.

    Args:
        answering: Runs the detectors, in processes of their own.
        urls: Fetches images that are given by URL.
    """

    def __init__(self, answering: Answering, urls: ImageUrls) -> None:
        self._answering = answering
        self._urls = urls

    def table(self) -> list[Route]:
        """Return the routes."""
        errors = {"responses": {**UNSUPPORTED, **LOOKING}}
        return [
            Route("POST", "/v1/detect", CostClass.SEARCH, self.detect,
                  {"response_model": DetectResponse,
                   "openapi_extra": look_body(LookRequest), **errors}),
            Route("POST", "/v1/moderate", CostClass.SEARCH, self.moderate,
                  {"response_model": ModerateResponse,
                   "openapi_extra": look_body(ModerateRequest), **errors}),
            Route("POST", "/v1/read", CostClass.SEARCH, self.read,
                  {"response_model": ReadResponse,
                   "openapi_extra": look_body(LookRequest), **errors}),
        ]  # fmt: skip

    async def detect(self, request: Request) -> DetectResponse:
        """Find the items in an image: where they are, and of which type.

        Send JSON, or multipart with a file part `image` and a part `query` holding the same JSON.
        A search with `items` also finds products for each.
        """
        started = time.perf_counter()
        ITEM_MODEL.runtime()
        body = await read_body(request, LookRequest)
        data = await read_look_image(body, self._urls)
        answering = self._answering
        await answering.lookers.prepare(item_crops(answering))
        async with answering.door.enter(request, ITEMS_WORK):
            scene = await look_at_scene(answering, data)
        return DetectResponse(scene.objects(), _since(started))

    async def moderate(self, request: Request) -> ModerateResponse:
        """Tell how likely an image is not fit to show.

        Send JSON, or multipart with a file part `image` and a part `query` holding the same JSON.
        """
        started = time.perf_counter()
        check_moderation()
        body = await read_body(request, ModerateRequest)
        data = await read_look_image(body, self._urls)
        threshold = UNSAFE_SKIN_SCORE if body.json.skin else UNSAFE_SCORE
        answering = self._answering
        await answering.lookers.prepare(unsafe_score)
        async with answering.door.enter(request, LOOK_WORK):
            plan = await answering.tag_plan(_MODERATION_TAGS)
            image = await answering.decode(ImageFile(data))
            score = await answering.lookers.look(unsafe_score, data)
            tags = await answering.tag(image, plan)
        return ModerateResponse.of(score, threshold, tags, _since(started))

    async def read(self, request: Request) -> ReadResponse:
        """Read the text in an image.

        Send JSON, or multipart with a file part `image` and a part `query` holding the same JSON.
        """
        started = time.perf_counter()
        check_reading()
        body = await read_body(request, LookRequest)
        data = await read_look_image(body, self._urls)
        await self._answering.lookers.prepare(read_text)
        async with self._answering.door.enter(request, LOOK_WORK):
            lines = await self._answering.lookers.look(read_text, data)
        return ReadResponse.of(lines, _since(started))


def _since(started: float) -> float:
    return round(1000 * (time.perf_counter() - started), 2)
