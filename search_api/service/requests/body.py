"""Reading requests: JSON, or multipart with a picture and the same JSON; pictures made safe."""

from __future__ import annotations

import base64
import binascii
import errno
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PIL import Image
from pydantic import BaseModel, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from indexer.search import ImagePart, LikePart, Query, QueryPart, TextPart, colour_alone
from search_api.service.errors import InvalidRequestError, MalformedRequestError, SpoolFullError
from search_api.service.requests.colours import wanted_colour
from search_api.service.schemas import PartRequest, SearchRequest, TagsRequest
from search_api.service.serving import GivenPicture, QueryPicture

__all__ = [
    "Body",
    "TaggedPictures",
    "body_schema",
    "given_pictures",
    "parse_value",
    "picture_urls",
    "read_body",
    "read_json",
    "region_of",
    "tagged_pictures",
    "to_query",
]

# The JSON of a multipart request is small; starlette keeps such parts in memory.
_MAX_JSON_PART = 2**20

# Python's other codecs give text that can't be written back, or raise what nobody expects.
_CHARSETS = (b"utf-8", b"utf8", b"us-ascii")

# Larger uploads go through a temporary file while they are received.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Body(Generic[M]):
    """A request's JSON, and the content of its `image` files if it came as multipart.

    Attributes:
        json: The JSON.
        upload: The first `image` file.
        more: Those after it, where the route takes several.
    """

    json: M
    upload: bytes | None
    more: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class TaggedPictures:
    """Pictures to tag.

    Attributes:
        given: Files, or texts in base64, or URLs.
        by_url: Whether they are URLs.
        several: Whether the answer is a list.
    """

    given: tuple[str | bytes, ...]
    by_url: bool
    several: bool

    def data(self, given: str | bytes) -> bytes:
        """The file of a picture that is not given by URL.

        Raises:
            InvalidRequestError: Base64 is none.
        """
        return given if isinstance(given, bytes) else _from_base64("image_base64", given)


async def read_body(request: Request, model: type[M], pictures: int = 1) -> Body[M]:
    """Read a request as `application/json` or as `multipart/form-data`.

    Multipart has a file part `image`, or up to `pictures` of them, a part `query` with the JSON, or
    both.

    Raises:
        RequestError: The body is neither, is over a limit, or does not fit the model.
    """
    if _content_type(request) == "multipart/form-data":
        return await _read_form(request, model, pictures)
    return Body(await _read_json(request, model, "application/json or multipart/form-data"), None)


async def read_json(request: Request, model: type[M]) -> M:
    """Read a request as `application/json` alone; errors as `read_body`."""
    return await _read_json(request, model, "application/json")


def parse_value(model: type[M], value: object) -> M:
    """A JSON value that was read already, as a model; errors as `read_json`."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidRequestError.from_validation(error) from None


def picture_urls(asked: SearchRequest) -> list[str]:
    """All URLs that a request gives pictures by."""
    urls = [asked.image_url, *(part.image_url for part in asked.parts)]
    return [url for url in urls if url is not None]


def region_of(body: Body[SearchRequest]) -> str | None:
    """The product of whose own picture a request's region is a part; None where it is of none.

    Raises:
        InvalidRequestError: A region is given, and neither a picture nor one liked product.
    """
    asked = body.json
    pictures = (body.upload, asked.image_base64, asked.image_url)
    if asked.region is None or any(picture is not None for picture in pictures):
        return None
    if len(asked.like) != 1:
        raise InvalidRequestError(
            "region: there is no picture that it could be a part of; give one, or one product in "
            "like."
        )
    return asked.like[0]


def given_pictures(
    body: Body[SearchRequest],
    fetched: Mapping[str, bytes],
    liked: bytes | None = None,
) -> dict[str, GivenPicture]:
    """The picture files of a request, by the field that each came in.

    Args:
        body: The request.
        fetched: The files at its `picture_urls`.
        liked: The picture of the product that it is the `region_of`, if it is.

    Raises:
        RequestError: Base64 is none.
    """
    asked = body.json
    files: dict[str, bytes] = {}
    if body.upload is not None:
        files["image"] = body.upload
    if asked.image_base64 is not None:
        files["image_base64"] = _from_base64("image_base64", asked.image_base64)
    if asked.image_url is not None:
        files["image_url"] = fetched[asked.image_url]
    if liked is not None:
        files["like"] = liked
    given = {name: GivenPicture(data, asked.region) for name, data in files.items()}
    for number, part in enumerate(asked.parts):
        name = f"parts.{number}"
        if part.image_url is not None:
            given[name] = GivenPicture(fetched[part.image_url])
        elif part.image_base64 is not None:
            given[name] = GivenPicture(_from_base64(f"{name}.image_base64", part.image_base64))
    return given


def to_query(asked: SearchRequest, pictures: Mapping[str, QueryPicture]) -> Query:
    """The engine's query for a search request, with its `given_pictures` decoded."""
    parts: list[QueryPart] = []
    if asked.text is not None:
        parts.append(TextPart(asked.text))
    own = (name for name in pictures if not name.startswith("parts."))
    parts.extend(_picture_part(pictures[name]) for name in own)
    # A product that a region is of is looked for by that part alone, and still left out.
    weight = 0.0 if "like" in pictures else 1.0
    parts.extend(LikePart(product, weight) for product in asked.like)
    parts.extend(
        _to_part(part, pictures.get(f"parts.{number}")) for number, part in enumerate(asked.parts)
    )
    colour = wanted_colour(asked)
    if colour is not None and not parts:
        words, colour = colour_alone(colour)
        parts.append(words)
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
        group=asked.group,
        colour=colour,
        explain=asked.explain,
        tags=asked.tags,
    )


def tagged_pictures(body: Body[TagsRequest]) -> TaggedPictures:
    """The pictures of a request for tags, in order, before those at URLs are fetched.

    Raises:
        InvalidRequestError: There is none, or they are given in more than one way.
    """
    asked = body.json
    ways: list[tuple[str | bytes, ...]] = []
    several = bool(body.more)
    if body.upload is not None:
        ways.append((body.upload, *body.more))
    for given in (asked.image_base64, asked.image_url):
        if given is not None:
            several = several or isinstance(given, list)
            ways.append(tuple(given) if isinstance(given, list) else (given,))
    if len(ways) != 1:
        raise InvalidRequestError(
            "image: give one picture or several in one way, as file parts, as image_base64 or as "
            "image_url."
        )
    return TaggedPictures(ways[0], asked.image_url is not None, several)


def body_schema(
    model: type[BaseModel], *, multipart: bool = True, pictures: int = 1
) -> dict[str, Any]:
    """OpenAPI's description of a body that `read_body` reads, or `read_json` without multipart."""
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    content: dict[str, Any] = {"application/json": {"schema": reference}}
    if multipart:
        image: dict[str, Any] = {"type": "string", "format": "binary"}
        if pictures > 1:
            image = {"type": "array", "items": image, "maxItems": pictures}
        form = {"type": "object", "properties": {"image": image, "query": reference}}
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


async def _read_form(request: Request, model: type[M], pictures: int) -> Body[M]:
    _, options = parse_options_header(request.headers["content-type"])
    if options.get(b"charset", b"utf-8").lower() not in _CHARSETS:
        raise MalformedRequestError("The multipart form's charset is not UTF-8; leave it out.")
    try:
        # Read here, kept by the request, and closed with it below.
        await request.form(max_files=1 + pictures, max_fields=2, max_part_size=_MAX_JSON_PART)
    except HTTPException as error:
        raise MalformedRequestError(f"The multipart form can't be read: {error.detail}") from error
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise SpoolFullError(
            "The service has no room for an upload now; try again later, or send a smaller picture."
        ) from error
    async with request.form() as form:
        unknown = sorted(set(form) - {"image", "query"})
        if unknown:
            raise InvalidRequestError(f"{unknown[0]}: the form's parts are image and query.")
        images, query = form.getlist("image"), form.get("query")
        if len(images) > pictures or len(form.getlist("query")) > 1:
            often = "once" if pictures == 1 else f"{pictures} times, and query once"
            raise InvalidRequestError(f"image: this part may be given {often}.")
        files = [image for image in images if isinstance(image, UploadFile)]
        if len(files) < len(images):
            raise InvalidRequestError("image: send it as a file part, with a file name.")
        raw = await query.read() if isinstance(query, UploadFile) else (query or "{}").encode()
        uploads = [await file.read() for file in files]
    return Body(_parse(model, raw), uploads[0] if uploads else None, tuple(uploads[1:]))


def _parse(model: type[M], raw: bytes) -> M:
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if error.error_count() == 1:
            (problem,) = error.errors(include_url=False, include_input=False)
            if problem["type"] == "json_invalid":
                raise MalformedRequestError(f"The body is not JSON: {problem['msg']}.") from None
        raise InvalidRequestError.from_validation(error) from None


def _picture_part(picture: QueryPicture, weight: float = 1.0) -> ImagePart:
    return ImagePart(Image.fromarray(picture.pixels), weight, picture.pixels)


def _to_part(part: PartRequest, picture: QueryPicture | None) -> QueryPart:
    if picture is not None:
        return _picture_part(picture, part.weight)
    if part.text is not None:
        return TextPart(part.text, part.weight)
    return LikePart(part.like or "", part.weight)


def _from_base64(name: str, encoded: str) -> bytes:
    # A data URL's header is what a browser puts before the base64 it gives.
    _, comma, tail = encoded.partition(",")
    try:
        return base64.b64decode(tail if comma else encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError(f"{name}: this is not base64.") from error
