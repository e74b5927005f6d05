"""Request parsing: JSON, multipart and query strings into queries and images."""

from __future__ import annotations

from search_api.service.requests.body import Body, parse_value, read_body, read_json
from search_api.service.requests.documented import (
    heat_map_body,
    images_body,
    json_body,
    look_body,
    search_body,
    tags_body,
)
from search_api.service.requests.image_urls import ImageUrls
from search_api.service.requests.images import QueryImages
from search_api.service.requests.look import read_look_image
from search_api.service.requests.parameters import SimilarParameters, TextParameters
from search_api.service.requests.queries import (
    TagImages,
    embed_files,
    embed_parts,
    tag_images,
    to_query,
)
from search_api.service.requests.work import (
    HEAT_MAP_WORK,
    ITEMS_WORK,
    LOOK_WORK,
    work_of_embedding,
    work_of_parameters,
    work_of_recommendation,
    work_of_searches,
    work_of_tags,
)

__all__ = [
    "HEAT_MAP_WORK",
    "ITEMS_WORK",
    "LOOK_WORK",
    "Body",
    "ImageUrls",
    "QueryImages",
    "SimilarParameters",
    "TagImages",
    "TextParameters",
    "embed_files",
    "embed_parts",
    "heat_map_body",
    "images_body",
    "json_body",
    "look_body",
    "parse_value",
    "read_body",
    "read_json",
    "read_look_image",
    "search_body",
    "tag_images",
    "tags_body",
    "to_query",
    "work_of_embedding",
    "work_of_parameters",
    "work_of_recommendation",
    "work_of_searches",
    "work_of_tags",
]
