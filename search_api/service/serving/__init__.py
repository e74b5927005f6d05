"""Query answering behind the routes: batching, decoding, deadlines, lifespan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from search_api.service.serving.answering import Answering, TagOptions, TagPlan
    from search_api.service.serving.decode_task import ImageFile, QueryImage
    from search_api.service.serving.decoding import start_decoding
    from search_api.service.serving.lifespan import service_lifespan
else:
    # Decoding processes import the decoding alone.
    __getattr__ = lazy_exports(
        __name__,
        {
            "search_api.service.serving.answering": (
                "Answering",
                "TagOptions",
                "TagPlan",
            ),
            "search_api.service.serving.decode_task": (
                "ImageFile",
                "QueryImage",
            ),
            "search_api.service.serving.decoding": ("start_decoding",),
            "search_api.service.serving.lifespan": ("service_lifespan",),
        },
    )

__all__ = [
    "Answering",
    "ImageFile",
    "QueryImage",
    "TagOptions",
    "TagPlan",
    "service_lifespan",
    "start_decoding",
]
