"""Python client of the HTTP API, sync and async, with retries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from search_api.client.async_client import AsyncClient
    from search_api.client.client import Client
    from search_api.client.describing import Explanation, MatchedLine, SharedColour, Understood
    from search_api.client.errors import (
        BadRequestError,
        ClientError,
        ConnectionFailedError,
        DeadlineError,
        InvalidRequestError,
        NoAnswerInTimeError,
        NotFoundError,
        RateLimitedError,
        ServerError,
        ServiceError,
        TooLargeError,
        UnauthorizedError,
        UnavailableError,
        UnexpectedAnswerError,
        UnreadablePictureError,
        UnsupportedPictureError,
    )
    from search_api.client.findings import Detection, Moderation, ReadText, TextLine
    from search_api.client.images import Picture
    from search_api.client.queries import HitOptions, Part, Query, SimilarOptions
    from search_api.client.results import (
        AskedColour,
        DetectedObject,
        EmbedResult,
        FieldValue,
        Hit,
        HitColour,
        IndexInfo,
        Item,
        ObjectHits,
        SearchResult,
        Tag,
        TagResult,
    )
    from search_api.client.retries import Retries
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "search_api.client.async_client": ("AsyncClient",),
            "search_api.client.client": ("Client",),
            "search_api.client.describing": (
                "Explanation",
                "MatchedLine",
                "SharedColour",
                "Understood",
            ),
            "search_api.client.errors": (
                "BadRequestError",
                "ClientError",
                "ConnectionFailedError",
                "DeadlineError",
                "InvalidRequestError",
                "NoAnswerInTimeError",
                "NotFoundError",
                "RateLimitedError",
                "ServerError",
                "ServiceError",
                "TooLargeError",
                "UnauthorizedError",
                "UnavailableError",
                "UnexpectedAnswerError",
                "UnreadablePictureError",
                "UnsupportedPictureError",
            ),
            "search_api.client.findings": ("Detection", "Moderation", "ReadText", "TextLine"),
            "search_api.client.images": ("Picture",),
            "search_api.client.queries": (
                "HitOptions",
                "Part",
                "Query",
                "SimilarOptions",
            ),
            "search_api.client.results": (
                "AskedColour",
                "DetectedObject",
                "FieldValue",
                "Hit",
                "HitColour",
                "EmbedResult",
                "IndexInfo",
                "Item",
                "ObjectHits",
                "SearchResult",
                "Tag",
                "TagResult",
            ),
            "search_api.client.retries": ("Retries",),
        },
    )

__all__ = [
    "AskedColour",
    "AsyncClient",
    "BadRequestError",
    "Client",
    "ClientError",
    "ConnectionFailedError",
    "DeadlineError",
    "DetectedObject",
    "Detection",
    "EmbedResult",
    "Explanation",
    "FieldValue",
    "Hit",
    "HitColour",
    "HitOptions",
    "IndexInfo",
    "InvalidRequestError",
    "Item",
    "MatchedLine",
    "Moderation",
    "NoAnswerInTimeError",
    "NotFoundError",
    "ObjectHits",
    "Part",
    "Picture",
    "Query",
    "RateLimitedError",
    "ReadText",
    "Retries",
    "SearchResult",
    "ServerError",
    "ServiceError",
    "SharedColour",
    "SimilarOptions",
    "Tag",
    "TagResult",
    "TextLine",
    "TooLargeError",
    "UnauthorizedError",
    "UnavailableError",
    "Understood",
    "UnexpectedAnswerError",
    "UnreadablePictureError",
    "UnsupportedPictureError",
]
