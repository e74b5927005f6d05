"""Request parsing: JSON, multipart and query strings into queries and images."""

from __future__ import annotations

from search_api.service.requests.body import (
    Body,
    TaggedPictures,
    body_schema,
    parse_value,
    read_body,
    read_json,
    tagged_pictures,
)
from search_api.service.requests.image_urls import PictureUrls
from search_api.service.requests.images import QueryPictures
from search_api.service.requests.parameters import SimilarParameters, TextParameters

__all__ = [
    "Body",
    "PictureUrls",
    "QueryPictures",
    "SimilarParameters",
    "TaggedPictures",
    "TextParameters",
    "body_schema",
    "parse_value",
    "read_body",
    "read_json",
    "tagged_pictures",
]
