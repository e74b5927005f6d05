"""OpenAPI's descriptions of the bodies that `read_body` and `read_json` read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from search_api.service.schemas import (
    MAX_IMAGES,
    SEARCHED_BY,
    SearchRequest,
    TagsRequest,
    exactly_one,
    one_or_more,
)

__all__ = ["heat_map_body", "images_body", "json_body", "look_body", "search_body", "tags_body"]

Schema = dict[str, Any]

_IMAGE: Schema = {"type": "string", "format": "binary"}
_BY_FIELD = ("image_base64", "image_url")


def json_body(model: type[BaseModel]) -> Schema:
    """Describe a body of JSON alone."""
    return _body({"application/json": {"schema": _reference(model)}})


def search_body() -> Schema:
    """Describe a search: JSON, or a form with an image, or both."""
    return _both(SearchRequest, None, _IMAGE)


def heat_map_body() -> Schema:
    """Describe what a heat map is for: as a search, with something to search by."""
    return _both(SearchRequest, one_or_more(SEARCHED_BY), _IMAGE)


def tags_body() -> Schema:
    """Describe a request for tags."""
    return images_body(TagsRequest, required=["query"])


def images_body(model: type[BaseModel], required: Sequence[str] = ()) -> Schema:
    """Describe a request with images in one way: as files, in base64 or by URL."""
    several = {"type": "array", "items": _IMAGE, "minItems": 1, "maxItems": MAX_IMAGES}
    return _both(model, exactly_one(_BY_FIELD), several, required=required)


def look_body(model: type[BaseModel]) -> Schema:
    """Describe a request that looks into one image: a file, in base64 or by URL."""
    return _both(model, exactly_one(_BY_FIELD), _IMAGE)


def _both(
    model: type[BaseModel], condition: Schema | None, image: Schema, required: Sequence[str] = ()
) -> Schema:
    # What a form needs depends on whether it has an image. Its schema does not say so: a condition
    # on a part that is a file is more than tools can read.
    schema = {
        "type": "object",
        "properties": {"image": image, "query": _reference(model)},
        "additionalProperties": False,
        "required": list(required),
    }
    parts = {"query": {"contentType": "application/json"}}
    whole = _reference(model)
    if condition is not None:
        whole = {"allOf": [whole, condition]}
    return _body(
        {
            "application/json": {"schema": whole},
            "multipart/form-data": {"schema": schema, "encoding": parts},
        }
    )


def _body(content: Schema) -> Schema:
    return {"requestBody": {"required": True, "content": content}}


def _reference(model: type[BaseModel]) -> Schema:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
