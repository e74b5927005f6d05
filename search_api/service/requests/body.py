"""Reading of request bodies: JSON, or multipart with image files and the same JSON."""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from search_api.service.admission import BodyBudget
from search_api.service.errors import InvalidRequestError, MalformedRequestError

__all__ = ["Body", "parse_value", "read_body", "read_json"]

# Bytes; the JSON of a multipart request is small, and starlette keeps such parts in memory.
_MAX_JSON_PART = 2**20

# All values of a JSON list or object but the first follow a comma. So commas bound the number of
# Python objects that a body becomes, which take a hundred times the bytes of the body.
_MAX_COMMAS = 65_536

# Other codecs of Python give text that can't be encoded again, or raise unusual errors.
_CHARSETS = (b"utf-8", b"utf8", b"us-ascii")

# Marks of other encodings, which some shells write without being asked.
_OTHER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# Bytes of a form that are parsed at once.
_PIECE = 2**18

# Where the parser of JSON says that a text is wrong.
_PLACE = re.compile(r"at (line \d+ column \d+)")

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Body(Generic[M]):
    """The JSON of a request, and the content of its `image` files if it is multipart.

    Attributes:
        json: The JSON.
        upload: The first `image` file.
        more: Further `image` files, if the route accepts several.
    """

    json: M
    upload: bytes | None
    more: tuple[bytes, ...] = ()


async def read_body(request: Request, model: type[M], max_images: int = 1) -> Body[M]:
    """Read a request as `application/json` or as `multipart/form-data`.

    A multipart request has up to `max_images` file parts `image`, a part `query` with the JSON, or
    both.

    Raises:
        RequestError: The body is neither, is over a limit, or does not fit the model.
    """
    if _content_type(request) == "multipart/form-data":
        return await _read_form(request, model, max_images)
    return Body(await _read_json(request, model, "application/json or multipart/form-data"), None)


async def read_json(request: Request, model: type[M]) -> M:
    """Read a request as `application/json` only; errors as for `read_body`."""
    return await _read_json(request, model, "application/json")


def parse_value(model: type[M], value: object) -> M:
    """Convert a JSON value that was read already to a model; errors as for `read_json`."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidRequestError.from_validation(error) from None


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _read_json(request: Request, model: type[M], accepted: str) -> M:
    kind = _content_type(request)
    if kind not in ("application/json", ""):
        raise MalformedRequestError(f"The content type {kind!r} is not supported; send {accepted}.")
    return _parse(model, await _whole(request))


async def _whole(request: Request) -> bytes:
    bodies: BodyBudget = request.app.state.bodies
    return await bodies.receive(request.stream())


async def _read_form(request: Request, model: type[M], max_images: int) -> Body[M]:
    _, options = parse_options_header(request.headers["content-type"])
    if options.get(b"charset", b"utf-8").lower() not in _CHARSETS:
        raise MalformedRequestError("The multipart form's charset is not UTF-8; leave it out.")
    whole = await _whole(request)
    if b"--" + options.get(b"boundary", b"") + b"--" not in whole:
        # The parser would leave out the part that was cut off, and answer another question.
        raise MalformedRequestError(
            "The multipart form has no end: its last line must be its boundary with -- on both "
            "sides. Perhaps it was cut off, or its boundary is not the header's."
        )
    parser = MultiPartParser(
        request.headers,
        _pieces(whole),
        max_files=1 + max_images,
        max_fields=2,
        max_part_size=_MAX_JSON_PART,
    )
    parser.spool_max_size = len(whole) + 1  # never another file
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise MalformedRequestError(
            "The multipart form can't be read; check its boundary, the headers of its parts, and "
            f"that there are at most {max_images} files and {_MAX_JSON_PART // 2**20} MiB of JSON."
        ) from error
    files, query = _form_parts(form, max_images)
    raw = await query.read() if isinstance(query, UploadFile) else query.encode()
    uploads = [await file.read() for file in files]
    return Body(_parse(model, raw), uploads[0] if uploads else None, tuple(uploads[1:]))


async def _pieces(whole: bytes) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(whole), _PIECE):
        yield whole[start : start + _PIECE]
        await asyncio.sleep(0)  # other requests have their turn
    yield b""


def _form_parts(form: FormData, max_images: int) -> tuple[list[UploadFile], UploadFile | str]:
    """Return the `image` files and the `query` of a form; an absent query is an empty object."""
    unknown = sorted(set(form) - {"image", "query"})
    if unknown:
        raise InvalidRequestError(f"{unknown[0]}: the form's parts are image and query.")
    images = form.getlist("image")
    if len(images) > max_images or len(form.getlist("query")) > 1:
        times = "once" if max_images == 1 else f"{max_images} times, and query once"
        raise InvalidRequestError(f"image: this part may be given {times}.")
    files = [image for image in images if isinstance(image, UploadFile)]
    if len(files) < len(images):
        raise InvalidRequestError("image: send it as a file part, with a file name.")
    return files, form.get("query") or "{}"


def _without_mark(raw: bytes) -> bytes:
    """Return JSON without a byte order mark, which a parser may skip (RFC 8259, 8.1)."""
    if raw.startswith(_OTHER_MARKS):
        raise MalformedRequestError("The body is in UTF-16 or UTF-32; send JSON in UTF-8.")
    return raw.removeprefix(codecs.BOM_UTF8)


def _parse(model: type[M], raw: bytes) -> M:
    raw = _without_mark(raw)
    if raw.count(b",") > _MAX_COMMAS:
        raise InvalidRequestError(
            f"The body has more than {_MAX_COMMAS:,} values (commas); ask for less at once."
        )
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if error.error_count() == 1:
            (problem,) = error.errors(include_url=False, include_input=False)
            if problem["type"] == "json_invalid":
                place = _PLACE.search(problem["msg"])
                where = f" at {place[1]}" if place else ""
                raise MalformedRequestError(
                    f"The body is not valid JSON{where}; send one JSON object in UTF-8."
                ) from None
        raise InvalidRequestError.from_validation(error) from None
