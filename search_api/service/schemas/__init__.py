"""Request and response schemas of the HTTP API (pydantic)."""

from __future__ import annotations

from search_api.service.schemas.batch import BatchRequest, BatchResponse, BatchResult
from search_api.service.schemas.fields import (
    MAX_IMAGES,
    MAX_PARTS,
    ColourShare,
    ColourText,
    ColourWeight,
    ColourWithin,
    Diversity,
    Group,
    HitCount,
    HitFields,
    KeywordWeight,
    MinConfidence,
    Offset,
    ProductId,
    Text,
)
from search_api.service.schemas.hits import SearchResponse
from search_api.service.schemas.items import ItemResponse
from search_api.service.schemas.search import PartRequest, RecommendRequest, SearchRequest
from search_api.service.schemas.service import ErrorResponse, HealthResponse, IndexResponse
from search_api.service.schemas.tags import (
    BatchError,
    TagResponse,
    TagsRequest,
    TagsResponse,
    TagsResult,
)

__all__ = [
    "MAX_IMAGES",
    "MAX_PARTS",
    "BatchError",
    "BatchRequest",
    "BatchResponse",
    "BatchResult",
    "ColourShare",
    "ColourText",
    "ColourWeight",
    "ColourWithin",
    "Diversity",
    "ErrorResponse",
    "Group",
    "HealthResponse",
    "HitCount",
    "HitFields",
    "IndexResponse",
    "ItemResponse",
    "KeywordWeight",
    "MinConfidence",
    "Offset",
    "PartRequest",
    "ProductId",
    "RecommendRequest",
    "SearchRequest",
    "SearchResponse",
    "TagResponse",
    "TagsRequest",
    "TagsResponse",
    "TagsResult",
    "Text",
]
