"""Conversion of search and tag requests, with their images, to what the engine takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from indexer.search import (
    ColourPart,
    ImagePart,
    LikePart,
    Query,
    QueryPart,
    TextPart,
    VectorPart,
)
from search_api.service.errors import InvalidRequestError
from search_api.service.requests.base64_text import decode_base64
from search_api.service.requests.body import Body
from search_api.service.requests.colours import wanted_colour
from search_api.service.schemas import EmbedRequest, PartRequest, SearchRequest
from search_api.service.serving import ImageFile, QueryImage

__all__ = [
    "TagImages",
    "embed_files",
    "embed_parts",
    "image_files",
    "image_urls",
    "region_product",
    "tag_images",
    "to_query",
]


@dataclass(frozen=True)
class TagImages:
    """The images of a request for tags.

    Attributes:
        given: Files, texts in base64, or URLs.
        by_url: Whether they are URLs.
        several: Whether the answer is a list.
    """

    given: tuple[str | bytes, ...]
    by_url: bool
    several: bool

    def data(self, given: str | bytes) -> bytes:
        """Return the file of an image that is not given by URL.

        Raises:
            InvalidRequestError: The text is not base64.
        """
        return given if isinstance(given, bytes) else decode_base64("image_base64", given)


def image_urls(request: SearchRequest) -> list[str]:
    """Return the URLs of all images of a request."""
    urls = [request.image_url, *(part.image_url for part in request.parts)]
    return [url for url in urls if url is not None]


def region_product(body: Body[SearchRequest]) -> str | None:
    """Return the product whose own image a request's region belongs to; None for other requests.

    Raises:
        InvalidRequestError: There is a region, but neither an image nor exactly one liked product.
    """
    request = body.json
    images = (body.upload, request.image_base64, request.image_url)
    if request.region is None or any(image is not None for image in images):
        return None
    if len(request.like) != 1:
        raise InvalidRequestError(
            "region: there is no image that it could be a part of; give one, or one product in "
            "like."
        )
    return request.like[0]


def image_files(
    body: Body[SearchRequest],
    fetched: Mapping[str, bytes],
    liked: bytes | None = None,
) -> dict[str, ImageFile]:
    """Return the image files of a request, by the field of each.

    Args:
        body: The request.
        fetched: The files at its `image_urls`.
        liked: The image of its `region_product`, if any.

    Raises:
        RequestError: A text is not base64.
    """
    request = body.json
    data: dict[str, bytes] = {}
    if body.upload is not None:
        data["image"] = body.upload
    if request.image_base64 is not None:
        data["image_base64"] = decode_base64("image_base64", request.image_base64)
    if request.image_url is not None:
        data["image_url"] = fetched[request.image_url]
    if liked is not None:
        data["like"] = liked
    files = {name: ImageFile(content, request.region) for name, content in data.items()}
    for number, part in enumerate(request.parts):
        name = f"parts.{number}"
        if part.image_url is not None:
            files[name] = ImageFile(fetched[part.image_url])
        elif part.image_base64 is not None:
            files[name] = ImageFile(decode_base64(f"{name}.image_base64", part.image_base64))
    return files


def to_query(request: SearchRequest, images: Mapping[str, QueryImage]) -> Query:
    """Return the engine's query for a search request, with its `image_files` decoded."""
    parts = _parts(request, images)
    return Query(
        parts=tuple(parts),
        k=request.k,
        offset=request.offset,
        fields=None if request.fields is None else tuple(request.fields),
        filter=request.filter,
        facets=tuple(request.facets),
        mode=request.mode,
        keyword_weight=request.keyword_weight,
        fusion=request.fusion,
        parse=request.parse,
        min_confidence=request.min_confidence,
        diversity=request.diversity,
        group=request.group,
        sort=tuple(one.key() for one in request.sort),
        boost=tuple(one.boost() for one in request.boost),
        pin=tuple(request.pin),
        bury=tuple(request.bury),
        group_by=request.group_by,
        collapse=request.collapse,
        colour=wanted_colour(request),
        colours=tuple(
            ColourPart(part.colour, part.weight)
            for part in request.parts
            if part.colour is not None
        ),
        explain=request.explain,
        tags=request.tags,
    )


def embed_files(request: EmbedRequest) -> list[ImageFile]:
    """Return the image files of a request for vectors.

    Raises:
        InvalidRequestError: A text is not base64.
    """
    return [
        ImageFile(decode_base64(f"image_base64.{number}", text))
        for number, text in enumerate(request.image_base64)
    ]


def embed_parts(request: EmbedRequest, images: Sequence[QueryImage]) -> list[QueryPart]:
    """Return the texts of a request for vectors, and then its images, decoded."""
    return [*map(TextPart, request.texts), *map(_image_part, images)]


def tag_images(body: Body[Any]) -> TagImages:
    """Return the images of a request, in order; those at URLs are still to be fetched.

    Raises:
        InvalidRequestError: There is no image, or images are given in more than one way.
    """
    request = body.json
    ways: list[tuple[str | bytes, ...]] = []
    several = bool(body.more)
    if body.upload is not None:
        ways.append((body.upload, *body.more))
    for given in (request.image_base64, request.image_url):
        if given is not None:
            several = several or isinstance(given, list)
            ways.append(tuple(given) if isinstance(given, list) else (given,))
    if len(ways) != 1:
        raise InvalidRequestError(
            "image: give one image or several in one way, as file parts, as image_base64 or as "
            "image_url."
        )
    return TagImages(ways[0], request.image_url is not None, several)


def _parts(request: SearchRequest, images: Mapping[str, QueryImage]) -> list[QueryPart]:
    parts: list[QueryPart] = []
    if request.text is not None:
        parts.append(TextPart(request.text))
    own = (name for name in images if not name.startswith("parts."))
    parts.extend(_image_part(images[name]) for name in own)
    # A product with a region is searched by that region alone, and still left out of the hits.
    weight = 0.0 if "like" in images else 1.0
    parts.extend(LikePart(product, weight) for product in request.like)
    parts.extend(
        _part(part, images.get(f"parts.{number}"))
        for number, part in enumerate(request.parts)
        if part.colour is None
    )
    return parts


def _part(part: PartRequest, image: QueryImage | None) -> QueryPart:
    if image is not None:
        return _image_part(image, part.weight)
    if part.text is not None:
        return TextPart(part.text, part.weight)
    if part.vector is not None:
        return VectorPart(tuple(part.vector), part.weight)
    return LikePart(part.like or "", part.weight)


def _image_part(image: QueryImage, weight: float = 1.0) -> ImagePart:
    return ImagePart(Image.fromarray(image.pixels), weight, image.pixels)
