"""Routes that write products: put, change fields, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Header, Request
from fastapi import Query as QueryParameter
from fastapi.responses import JSONResponse

from indexer import RowError, WriteError
from indexer.build.live import Action, Result, Write
from indexer.catalog import clean_id
from search_api.service.admission import CostClass, current_visit
from search_api.service.admission.keys import Scope
from search_api.service.requests import (
    ImageUrls,
    TagImages,
    images_body,
    json_body,
    read_body,
    read_json,
    tag_images,
)
from search_api.service.requests.writing import (
    ItemImages,
    PatchItemRequest,
    PutItemRequest,
    Writer,
    WriteResponse,
)
from search_api.service.routes.route import (
    LOOKING,
    NOT_FOUND,
    UNSUPPORTED,
    ProductIdInPath,
    Route,
    gather_all,
)
from search_api.service.schemas import MAX_IMAGES, ErrorResponse
from search_api.service.serving import Answering

__all__ = ["WriteRoutes"]

Refresh = Annotated[
    Literal["no", "wait"],
    QueryParameter(description="`wait` answers once searches find what was written."),
]
Version = Annotated[
    int | None,
    QueryParameter(
        ge=1,
        le=2**63 - 1,
        examples=[8],
        description="The version after the deletion, higher than every one before.",
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        examples=["5f0c6f0e-3c9e-4f0a-9a34-6b0d0c8a1b7e"],
        description="A name of this write; sent again within a day, it gets the same answer and "
        "does nothing.",
    ),
]

# Seconds that `refresh=wait` waits at most.
_WAIT_SECONDS = 10.0

_ERRORS: Mapping[int, Mapping[str, Any]] = {
    403: {"model": ErrorResponse, "description": "The service only reads, or the key does"},
    409: {"model": ErrorResponse, "description": "A version that is not newer"},
}
_CREATED: Mapping[int, Mapping[str, Any]] = {
    201: {"model": WriteResponse, "description": "The product is new"}
}


class WriteRoutes:
    """Writes of single products.

    Args:
        answering: Admits requests.
        urls: Fetches images.
        images: Embeds images.
        writer: Makes writes durable.
    """

    def __init__(
        self, answering: Answering, urls: ImageUrls, images: ItemImages, writer: Writer
    ) -> None:
        self._answering = answering
        self._urls = urls
        self._images = images
        self._writer = writer

    def table(self) -> list[Route]:
        """Return the routes."""
        item = "/v1/items/{product_id:product_id}"
        answer = {"response_model": WriteResponse}
        put = {**_ERRORS, **_CREATED, **UNSUPPORTED, **LOOKING}
        known = {**_ERRORS, **NOT_FOUND}
        return [
            Route("PUT", item, CostClass.SEARCH, self.put_item,
                  {**answer, "openapi_extra": images_body(PutItemRequest, ["image"]),
                   "responses": put}, Scope.WRITE),
            Route("PATCH", item, CostClass.WRITE, self.patch_item,
                  {**answer, "openapi_extra": json_body(PatchItemRequest),
                   "responses": known}, Scope.WRITE),
            Route("DELETE", item, CostClass.WRITE, self.delete_item,
                  {**answer, "responses": known}, Scope.WRITE),
        ]  # fmt: skip

    async def put_item(
        self,
        request: Request,
        product_id: ProductIdInPath,
        refresh: Refresh = "no",
        idempotency_key: IdempotencyKey = None,
    ) -> JSONResponse:
        """Add a product, or put it in the place of the one with its id.

        Send JSON, or multipart with file parts `image` and a part `query` holding the same JSON.
        The answer comes once the write is on disk; searches find it within a second.
        """
        self._writer.check()
        name = _valid_id(product_id)
        body = await read_body(request, PutItemRequest, MAX_IMAGES)
        given = tag_images(body)
        files = await gather_all(self._file(given, one) for one in given.given)
        values = list(body.json.fields.values())
        async with self._answering.door.enter(request, float(len(files))):
            images = await self._images.embed(name, files, values)
        write = Write(
            Action.PUT, name, body.json.fields, images, body.json.version, _key(idempotency_key)
        )
        return await self._answer(write, refresh)

    async def patch_item(
        self,
        request: Request,
        product_id: ProductIdInPath,
        refresh: Refresh = "no",
        idempotency_key: IdempotencyKey = None,
    ) -> JSONResponse:
        """Change some fields of a product; its images and its other fields stay."""
        self._writer.check()
        name = _valid_id(product_id)
        body = await read_json(request, PatchItemRequest)
        write = Write(
            Action.PATCH, name, body.fields, version=body.version, key=_key(idempotency_key)
        )
        return await self._answer(write, refresh)

    async def delete_item(
        self,
        product_id: ProductIdInPath,
        version: Version = None,
        refresh: Refresh = "no",
        idempotency_key: IdempotencyKey = None,
    ) -> JSONResponse:
        """Take a product out of the index."""
        self._writer.check()
        name = _valid_id(product_id)
        write = Write(Action.DELETE, name, version=version, key=_key(idempotency_key))
        return await self._answer(write, refresh)

    async def _answer(self, write: Write, refresh: str) -> JSONResponse:
        receipt = await self._writer.write(write)
        if refresh == "wait":
            await self._writer.until_searchable(receipt, _WAIT_SECONDS)
        answer = WriteResponse.of(receipt, searchable=self._writer.is_searchable(receipt))
        status = 201 if receipt.result is Result.CREATED else 200
        return JSONResponse(answer.model_dump(mode="json"), status)

    async def _file(self, given: TagImages, one: str | bytes) -> tuple[bytes, str]:
        """Return the content of an image, and where it came from."""
        if given.by_url:
            url = str(one)
            return (await self._urls.fetch([url]))[url], url
        return given.data(one), ""


def _valid_id(given: str) -> str:
    try:
        return clean_id(given)
    except RowError as error:
        raise WriteError(f"id: {error}.") from None


def _key(given: str | None) -> str:
    """Return an Idempotency-Key with its caller, since two callers may choose the same one."""
    return "" if given is None else f"{current_visit().caller}\n{given}"
