"""Request and response schemas of the HTTP API (pydantic)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from search_api.service.schemas.arrangement import Collapse, GroupBy, SortWords
    from search_api.service.schemas.batch import BatchRequest, BatchResponse, BatchResult
    from search_api.service.schemas.conditions import SEARCHED_BY, exactly_one, one_or_more
    from search_api.service.schemas.fields import (
        MAX_IMAGES,
        MAX_PARTS,
        ColourShare,
        ColourText,
        ColourWeight,
        ColourWithin,
        Diversity,
        Facets,
        Group,
        HitCount,
        HitFields,
        KeywordWeight,
        MinConfidence,
        Mode,
        Offset,
        OneOrSeveral,
        ParseText,
        ProductId,
        RequestModel,
        Text,
        Url,
        Whole,
    )
    from search_api.service.schemas.hits import ObjectHitsResponse, SearchResponse
    from search_api.service.schemas.items import ItemResponse, SuggestResponse
    from search_api.service.schemas.links import Links
    from search_api.service.schemas.search import (
        EmbedRequest,
        PartRequest,
        RecommendRequest,
        SearchRequest,
    )
    from search_api.service.schemas.served import describe_served
    from search_api.service.schemas.service import (
        EmbedResponse,
        ErrorResponse,
        HealthResponse,
        IndexResponse,
    )
    from search_api.service.schemas.tags import (
        BatchError,
        TagResponse,
        TagsRequest,
        TagsResponse,
        TagsResult,
    )
    from search_api.service.schemas.vision import (
        DetectResponse,
        LookRequest,
        ModerateRequest,
        ModerateResponse,
        ReadResponse,
    )
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "search_api.service.schemas.arrangement": (
                "Collapse",
                "GroupBy",
                "SortWords",
            ),
            "search_api.service.schemas.batch": (
                "BatchRequest",
                "BatchResponse",
                "BatchResult",
            ),
            "search_api.service.schemas.conditions": (
                "SEARCHED_BY",
                "exactly_one",
                "one_or_more",
            ),
            "search_api.service.schemas.served": ("describe_served",),
            "search_api.service.schemas.fields": (
                "MAX_IMAGES",
                "MAX_PARTS",
                "ColourShare",
                "ColourText",
                "ColourWeight",
                "ColourWithin",
                "Diversity",
                "Facets",
                "Group",
                "HitCount",
                "HitFields",
                "KeywordWeight",
                "MinConfidence",
                "Mode",
                "Offset",
                "OneOrSeveral",
                "ParseText",
                "ProductId",
                "RequestModel",
                "Text",
                "Url",
                "Whole",
            ),
            "search_api.service.schemas.hits": ("ObjectHitsResponse", "SearchResponse"),
            "search_api.service.schemas.items": ("ItemResponse", "SuggestResponse"),
            "search_api.service.schemas.links": ("Links",),
            "search_api.service.schemas.search": (
                "EmbedRequest",
                "PartRequest",
                "RecommendRequest",
                "SearchRequest",
            ),
            "search_api.service.schemas.service": (
                "EmbedResponse",
                "ErrorResponse",
                "HealthResponse",
                "IndexResponse",
            ),
            "search_api.service.schemas.tags": (
                "BatchError",
                "TagResponse",
                "TagsRequest",
                "TagsResponse",
                "TagsResult",
            ),
            "search_api.service.schemas.vision": (
                "DetectResponse",
                "LookRequest",
                "ModerateRequest",
                "ModerateResponse",
                "ReadResponse",
            ),
        },
    )

__all__ = [
    "MAX_IMAGES",
    "MAX_PARTS",
    "SEARCHED_BY",
    "BatchError",
    "BatchRequest",
    "BatchResponse",
    "BatchResult",
    "Collapse",
    "ColourShare",
    "ColourText",
    "ColourWeight",
    "ColourWithin",
    "DetectResponse",
    "Diversity",
    "EmbedRequest",
    "EmbedResponse",
    "ErrorResponse",
    "Facets",
    "Group",
    "GroupBy",
    "HealthResponse",
    "HitCount",
    "HitFields",
    "IndexResponse",
    "ItemResponse",
    "KeywordWeight",
    "Links",
    "LookRequest",
    "MinConfidence",
    "Mode",
    "ModerateRequest",
    "ModerateResponse",
    "ObjectHitsResponse",
    "Offset",
    "OneOrSeveral",
    "ParseText",
    "PartRequest",
    "ProductId",
    "ReadResponse",
    "RecommendRequest",
    "RequestModel",
    "SearchRequest",
    "SearchResponse",
    "SortWords",
    "SuggestResponse",
    "TagResponse",
    "TagsRequest",
    "TagsResponse",
    "TagsResult",
    "Text",
    "Url",
    "Whole",
    "describe_served",
    "exactly_one",
    "one_or_more",
]
