"""Estimates of the work that requests make, in searches for one text: what limits charge for."""

from __future__ import annotations

from collections.abc import Iterable

from search_api.service.requests.parameters import SimilarParameters, TextParameters
from search_api.service.schemas import (
    EmbedRequest,
    RecommendRequest,
    SearchRequest,
    TagsRequest,
)

__all__ = [
    "HEAT_MAP_WORK",
    "ITEMS_WORK",
    "LOOK_WORK",
    "work_of_embedding",
    "work_of_parameters",
    "work_of_recommendation",
    "work_of_searches",
    "work_of_tags",
]

HEAT_MAP_WORK = 75.0
"""Embeddings of a heat map, the query's own left out."""

ITEMS_WORK = 20.0
"""A detector that finds items, and a search for each."""

LOOK_WORK = 10.0
"""A detector that looks into an image; reading takes the longest."""

# So many hits more cost about as much as another search.
_HITS = 100
# Liked products, each of which is one search without an embedding.
_LIKED = 4
# Labels, which are short texts.
_LABELS = 4


def work_of_searches(requests: Iterable[SearchRequest]) -> float:
    """Return the work of searches: their texts and images, and their hits."""
    return sum(_work_of_search(request) for request in requests) or 1.0


def work_of_parameters(parameters: TextParameters | SimilarParameters) -> float:
    """Return the work of a search by its query string."""
    return 1.0 + parameters.k // _HITS


def work_of_recommendation(request: RecommendRequest) -> float:
    """Return the work of recommendations."""
    return max(1.0, len(request.liked) // _LIKED) + request.k // _HITS


def work_of_embedding(request: EmbedRequest) -> float:
    """Return the work of embedding texts and images."""
    return max(1.0, len(request.texts) / _LABELS + len(request.image_base64))


def work_of_tags(images: int, request: TagsRequest) -> float:
    """Return the work of tagging some images."""
    return images + len(request.labels) // _LABELS + len(request.taxonomies)


def _work_of_search(request: SearchRequest) -> float:
    parts = [request.text, request.image_base64, request.image_url]
    for part in request.parts:
        parts += [part.text, part.image_base64, part.image_url]
    embedded = sum(part is not None for part in parts)
    return max(1.0, embedded) + request.k // _HITS
