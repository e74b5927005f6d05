"""Reading requests: JSON, or multipart with a picture and the same JSON; pictures made safe."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PIL.Image import Image
from pydantic import BaseModel, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from embeddings.images import ImageLimits, open_image
from indexer.query import ImagePart, LikePart, Query, QueryPart, TextPart
from search_api.errors import InvalidRequestError, MalformedRequestError, UrlNotAllowedError
from search_api.schemas import PartRequest, SearchRequest, TagsRequest

__all__ = ["Body", "body_schema", "read_body", "to_image", "to_query"]

# The JSON of a multipart request is small; starlette keeps such parts in memory.
_MAX_JSON_PART = 2**20

# Python's other codecs give text that can't be written back, or raise what nobody expects.
_CHARSETS = (b"utf-8", b"utf8", b"us-ascii")

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
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _read_form(request, model)
    if kind not in ("application/json", ""):
        raise MalformedRequestError(
            f"The content type {kind!r} is not understood; send application/json or "
            "multipart/form-data."
        )
    return Body(_parse(model, await request.body()), None)


def to_query(body: Body[SearchRequest], limits: ImageLimits) -> Query:
    """The engine's query for a search request; decodes its pictures.

    Raises:
        ImageError: A picture can't be used.
        RequestError: A URL is given, or base64 is none.
    """
    asked = body.json
    if asked.image_url is not None:
        raise UrlNotAllowedError(
            "Fetching pictures by URL is switched off; upload the picture instead."
        )
    parts: list[QueryPart] = []
    if asked.text is not None:
        parts.append(TextPart(asked.text))
    if body.upload is not None:
        parts.append(ImagePart(open_image(body.upload, limits=limits)))
    if asked.image_base64 is not None:
        parts.append(ImagePart(_open_base64("image_base64", asked.image_base64, limits)))
    parts.extend(LikePart(product) for product in asked.like)
    parts.extend(
        _to_part(f"parts.{number}", part, limits) for number, part in enumerate(asked.parts)
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


def to_image(body: Body[TagsRequest], limits: ImageLimits) -> ImagePart:
    """The one picture of a request that is about one.

    Raises:
        ImageError: It can't be used.
        RequestError: There is none, there are two, or base64 is none.
    """
    encoded = body.json.image_base64
    if (body.upload is None) == (encoded is None):
        raise InvalidRequestError("image: give one picture, as a file part or as image_base64.")
    if body.upload is not None:
        return ImagePart(open_image(body.upload, limits=limits))
    return ImagePart(_open_base64("image_base64", encoded or "", limits))


def body_schema(model: type[BaseModel]) -> dict[str, Any]:
    """OpenAPI's description of a body that `read_body` reads."""
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    form = {
        "type": "object",
        "properties": {"image": {"type": "string", "format": "binary"}, "query": reference},
    }
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": reference},
                "multipart/form-data": {
                    "schema": form,
                    "encoding": {"query": {"contentType": "application/json"}},
                },
            },
        }
    }


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


def _to_part(name: str, part: PartRequest, limits: ImageLimits) -> QueryPart:
    if part.text is not None:
        return TextPart(part.text, part.weight)
    if part.like is not None:
        return LikePart(part.like, part.weight)
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
