"""Reading requests: JSON, or multipart with a picture and the same JSON; pictures made safe."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PIL.Image import Image
from pydantic import BaseModel, TypeAdapter, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from embeddings.images import ImageLimits, open_image
from indexer.query import ImagePart, LikePart, Query, QueryPart, TextPart
from search_api.errors import InvalidRequestError, MalformedRequestError
from search_api.schemas import PartRequest, SearchRequest, TagsRequest

__all__ = [
    "Body",
    "body_schema",
    "parse_object",
    "picture_urls",
    "read_body",
    "read_json",
    "to_image",
    "to_query",
]

# The JSON of a multipart request is small; starlette keeps such parts in memory.
_MAX_JSON_PART = 2**20

# Python's other codecs give text that can't be written back, or raise what nobody expects.
_CHARSETS = (b"utf-8", b"utf8", b"us-ascii")

_OBJECT = TypeAdapter(dict[str, Any])

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Body(Generic[M]):
    """A request's JSON, and the content of its `image` file if it came as multipart."""

    json: M
    upload: bytes | None


async def read_body(request: Request, model: type[M]) -> Body[M]:
    """Read a request as `application/json` or as `multipart/form-data`.

    Multipart has a file part `image`, a part `query` with the JSON, or both.

    Raises:
        RequestError: The body is neither, is over a limit, or does not fit the model.
    """
    if _content_type(request) == "multipart/form-data":
        return await _read_form(request, model)
    return Body(await _read_json(request, model, "application/json or multipart/form-data"), None)


async def read_json(request: Request, model: type[M]) -> M:
    """Read a request as `application/json` alone; errors as `read_body`."""
    return await _read_json(request, model, "application/json")


def parse_object(name: str, text: str) -> dict[str, Any]:
    """A parameter that holds a JSON object.

    Raises:
        InvalidRequestError: It holds none.
    """
    try:
        return _OBJECT.validate_json(text)
    except ValidationError:
        raise InvalidRequestError(f"{name}: this is no JSON object.") from None


def picture_urls(asked: SearchRequest | TagsRequest) -> list[str]:
    """All URLs that a request gives pictures by."""
    parts = asked.parts if isinstance(asked, SearchRequest) else []
    return [url for url in [asked.image_url, *(p.image_url for p in parts)] if url is not None]


def to_query(body: Body[SearchRequest], limits: ImageLimits, fetched: Mapping[str, bytes]) -> Query:
    """The engine's query for a search request; decodes its pictures.

    Args:
        body: The request.
        limits: What a picture may weigh and measure.
        fetched: The files at its `picture_urls`.

    Raises:
        ImageError: A picture can't be used.
        RequestError: Base64 is none, or a region is given and no picture.
    """
    asked = body.json
    parts: list[QueryPart] = []
    if asked.text is not None:
        parts.append(TextPart(asked.text))
    pictures = _pictures(body, limits, fetched)
    if asked.region is not None:
        if not pictures:
            raise InvalidRequestError("region: there is no picture that it could be a part of.")
        pictures = [_cut(picture, asked.region) for picture in pictures]
    parts.extend(ImagePart(picture) for picture in pictures)
    parts.extend(LikePart(product) for product in asked.like)
    parts.extend(
        _to_part(f"parts.{number}", part, limits, fetched)
        for number, part in enumerate(asked.parts)
    )
    fields = None if asked.fields is None else tuple(asked.fields)
    return Query(
        parts=tuple(parts),
        k=asked.k,
        offset=asked.offset,
        fields=fields,
        filter=asked.filter,
        facets=tuple(asked.facets),
        mode=asked.mode,
        keyword_weight=asked.keyword_weight,
        fusion=asked.fusion,
        min_confidence=asked.min_confidence,
        diversity=asked.diversity,
    )


def to_image(body: Body[TagsRequest], limits: ImageLimits, fetched: Mapping[str, bytes]) -> Image:
    """The one picture of a request that is about one; arguments and errors as `to_query`.

    Raises:
        RequestError: There is none, or more than one.
    """
    given = (body.upload, body.json.image_base64, body.json.image_url)
    if sum(picture is not None for picture in given) != 1:
        raise InvalidRequestError(
            "image: give one picture, as a file part, as image_base64 or as image_url."
        )
    (picture,) = _pictures(body, limits, fetched)
    return picture


def body_schema(model: type[BaseModel], *, multipart: bool = True) -> dict[str, Any]:
    """OpenAPI's description of a body that `read_body` reads, or `read_json` without multipart."""
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    content: dict[str, Any] = {"application/json": {"schema": reference}}
    if multipart:
        form = {
            "type": "object",
            "properties": {"image": {"type": "string", "format": "binary"}, "query": reference},
        }
        content["multipart/form-data"] = {
            "schema": form,
            "encoding": {"query": {"contentType": "application/json"}},
        }
    return {"requestBody": {"required": True, "content": content}}


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _read_json(request: Request, model: type[M], understood: str) -> M:
    kind = _content_type(request)
    if kind not in ("application/json", ""):
        raise MalformedRequestError(
            f"The content type {kind!r} is not understood; send {understood}."
        )
    return _parse(model, await request.body())


async def _read_form(request: Request, model: type[M]) -> Body[M]:
    _, options = parse_options_header(request.headers["content-type"])
    if options.get(b"charset", b"utf-8").lower() not in _CHARSETS:
        raise MalformedRequestError("The multipart form's charset is not UTF-8; leave it out.")
    try:
        # Read here, kept by the request, and closed with it below.
        await request.form(max_files=2, max_fields=2, max_part_size=_MAX_JSON_PART)
    except HTTPException as error:
        raise MalformedRequestError(f"The multipart form can't be read: {error.detail}") from error
    async with request.form() as form:
        unknown = sorted(set(form) - {"image", "query"})
        if unknown:
            raise InvalidRequestError(f"{unknown[0]}: the form's parts are image and query.")
        if len(form.getlist("image")) > 1 or len(form.getlist("query")) > 1:
            raise InvalidRequestError("image: each part may be given once.")
        image, query = form.get("image"), form.get("query")
        if isinstance(image, str):
            raise InvalidRequestError("image: send it as a file part, with a file name.")
        raw = await query.read() if isinstance(query, UploadFile) else (query or "{}").encode()
        upload = await image.read() if image is not None else None
    return Body(_parse(model, raw), upload)


def _parse(model: type[M], raw: bytes) -> M:
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if error.error_count() == 1:
            (problem,) = error.errors(include_url=False, include_input=False)
            if problem["type"] == "json_invalid":
                raise MalformedRequestError(f"The body is not JSON: {problem['msg']}.") from None
        raise InvalidRequestError.from_validation(error) from None


def _pictures(
    body: Body[SearchRequest] | Body[TagsRequest],
    limits: ImageLimits,
    fetched: Mapping[str, bytes],
) -> list[Image]:
    """The pictures of a request itself, without those of its parts."""
    pictures = []
    if body.upload is not None:
        pictures.append(open_image(body.upload, limits=limits))
    if body.json.image_base64 is not None:
        pictures.append(_open_base64("image_base64", body.json.image_base64, limits))
    if body.json.image_url is not None:
        pictures.append(open_image(fetched[body.json.image_url], limits=limits))
    return pictures


def _cut(picture: Image, region: tuple[float, float, float, float]) -> Image:
    """The part of a picture between shares of its sides, a pixel at least."""
    (width, height), (left, top, right, bottom) = picture.size, region
    x, y = min(int(left * width), width - 1), min(int(top * height), height - 1)
    box = (x, y, max(x + 1, round(right * width)), max(y + 1, round(bottom * height)))
    return picture.crop(box)


def _to_part(
    name: str, part: PartRequest, limits: ImageLimits, fetched: Mapping[str, bytes]
) -> QueryPart:
    if part.text is not None:
        return TextPart(part.text, part.weight)
    if part.like is not None:
        return LikePart(part.like, part.weight)
    if part.image_url is not None:
        return ImagePart(open_image(fetched[part.image_url], limits=limits), part.weight)
    image = _open_base64(f"{name}.image_base64", part.image_base64 or "", limits)
    return ImagePart(image, part.weight)


def _open_base64(name: str, encoded: str, limits: ImageLimits) -> Image:
    # A data URL's header is what a browser puts before the base64 it gives.
    _, comma, tail = encoded.partition(",")
    try:
        data = base64.b64decode(tail if comma else encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError(f"{name}: this is not base64.") from error
    return open_image(data, limits=limits)
