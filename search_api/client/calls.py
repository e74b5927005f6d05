"""Calls of the HTTP API as values: the request of each route, and the reader of its answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from search_api.client.errors import ServiceError
from search_api.client.findings import Detection, Moderation, ReadText
from search_api.client.images import Picture, image_base64, is_url
from search_api.client.queries import Query, query_json, query_upload
from search_api.client.results import (
    BatchAnswers,
    EmbedResult,
    IndexInfo,
    Item,
    SearchResult,
    Tag,
    TagBatch,
    TagResult,
    parse,
)

__all__ = [
    "Call",
    "detect",
    "embed",
    "index",
    "item",
    "item_image",
    "moderate",
    "read",
    "ready",
    "recommend",
    "search",
    "search_batch",
    "similar",
    "tags",
    "tags_batch",
]

T = TypeVar("T")
M = TypeVar("M")


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request, and how to read its answer; no call changes anything, so any can be repeated.

    Attributes:
        method: GET or POST.
        path: Path below the service's address, quoted.
        read: Converts the body of a successful answer into the result.
        parameters: Names and values of the query string.
        body: JSON to send.
        upload: An image file, sent with the JSON as a form.
        single_attempt: Whether the call is never repeated, since its error is the answer.
    """

    method: str
    path: str
    read: Callable[[bytes], T]
    parameters: Sequence[tuple[str, str]] = ()
    body: Mapping[str, Any] | None = None
    upload: bytes | None = field(default=None, repr=False)
    single_attempt: bool = False


def search(query: Query) -> Call[SearchResult]:
    """POST /v1/search."""
    return _image_call("/v1/search", query, _as(SearchResult))


def search_batch(
    queries: Sequence[Query],
) -> Call[tuple[SearchResult | ServiceError, ...]]:
    """POST /v1/search/batch."""
    body = {"queries": [query_json(query) for query in queries]}
    return Call("POST", "/v1/search/batch", _outcomes, body=body)


def similar(product_id: str, options: Mapping[str, Any]) -> Call[SearchResult]:
    """GET /v1/items/{id}/similar."""
    path = f"{_item(product_id)}/similar"
    return Call("GET", path, _as(SearchResult), parameters=_parameters(options))


def recommend(
    liked: Sequence[str], disliked: Sequence[str], options: Mapping[str, Any]
) -> Call[SearchResult]:
    """POST /v1/recommend."""
    body = {"liked": list(liked), "disliked": list(disliked), **query_json(options)}
    return Call("POST", "/v1/recommend", _as(SearchResult), body=body)


def embed(texts: Sequence[str], images: Sequence[Picture]) -> Call[EmbedResult]:
    """POST /v1/embed."""
    body = {"texts": list(texts), "image_base64": [image_base64(image) for image in images]}
    return Call("POST", "/v1/embed", _as(EmbedResult), body=body)


def tags(image: Picture, options: Mapping[str, Any]) -> Call[TagResult]:
    """POST /v1/tags."""
    return _image_call("/v1/tags", {"image": image, **options}, _as(TagResult))


def tags_batch(
    images: Sequence[Picture], options: Mapping[str, Any]
) -> Call[tuple[tuple[Tag, ...] | ServiceError, ...]]:
    """POST /v1/tags with several images.

    Raises:
        TypeError: Some images are URLs, and others are not.
    """
    body = query_json(options)
    urls = [image for image in images if is_url(image)]
    if urls and len(urls) < len(images):
        raise TypeError("Give all images of a batch by URL, or none of them.")
    if urls:
        body["image_url"] = urls
    else:
        body["image_base64"] = [image_base64(image) for image in images]
    return Call("POST", "/v1/tags", lambda content: parse(TagBatch, content).outcomes(), body=body)


def detect(image: Picture) -> Call[Detection]:
    """POST /v1/detect."""
    return _image_call("/v1/detect", {"image": image}, _as(Detection))


def moderate(image: Picture, options: Mapping[str, Any]) -> Call[Moderation]:
    """POST /v1/moderate."""
    return _image_call("/v1/moderate", {"image": image, **options}, _as(Moderation))


def read(image: Picture) -> Call[ReadText]:
    """POST /v1/read."""
    return _image_call("/v1/read", {"image": image}, _as(ReadText))


def item(product_id: str) -> Call[Item]:
    """GET /v1/items/{id}."""
    return Call("GET", _item(product_id), _as(Item))


def item_image(product_id: str, number: int, size: int | None) -> Call[bytes]:
    """GET /v1/items/{id}/image/{number}."""
    path = f"{_item(product_id)}/image/{number}"
    return Call("GET", path, bytes, parameters=_parameters({"size": size}))


def index() -> Call[IndexInfo]:
    """GET /v1/index."""
    return Call("GET", "/v1/index", _as(IndexInfo))


def ready() -> Call[bool]:
    """GET /readyz."""
    return Call("GET", "/readyz", lambda _: True, single_attempt=True)


def _image_call(path: str, query: Mapping[str, Any], read: Callable[[bytes], T]) -> Call[T]:
    upload = query_upload(query)
    body = query_json(query, uploaded=upload is not None)
    return Call("POST", path, read, body=body, upload=upload)


def _outcomes(content: bytes) -> tuple[SearchResult | ServiceError, ...]:
    return parse(BatchAnswers, content).outcomes()


def _as(model: type[M]) -> Callable[[bytes], M]:
    return lambda content: parse(model, content)


def _item(product_id: str) -> str:
    # HTTP libraries resolve the paths `.` and `..`, unless the dots are quoted too.
    return f"/v1/items/{quote(product_id, safe='').replace('.', '%2E')}"


def _parameters(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in options.items():
        if value is None:
            continue
        if isinstance(value, list | tuple):
            pairs.extend((name, str(one)) for one in value or [""])  # one empty name means none
        elif isinstance(value, str):
            pairs.append((name, value))
        else:
            pairs.append((name, json.dumps(value)))  # true instead of True; filters as JSON
    return pairs
