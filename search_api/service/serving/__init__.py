"""Query answering behind the routes: batching, decoding, deadlines, lifespan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from search_api.service.serving.answering import Answering, TagOptions, TagPlan
    from search_api.service.serving.decode_task import ImageFile, QueryImage, affordable_cost
    from search_api.service.serving.decoding import DecodeWorkers, start_decoding
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
                "affordable_cost",
            ),
            "search_api.service.serving.decoding": ("DecodeWorkers", "start_decoding"),
            "search_api.service.serving.lifespan": ("service_lifespan",),
        },
    )

__all__ = [
    "Answering",
    "DecodeWorkers",
    "ImageFile",
    "QueryImage",
    "TagOptions",
    "TagPlan",
    "affordable_cost",
    "service_lifespan",
    "start_decoding",
]
