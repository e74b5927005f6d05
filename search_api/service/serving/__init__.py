"""Query answering behind the routes: batching, decoding, deadlines, lifespan."""

from __future__ import annotations

from search_api.service.serving.answering import Answering, TagOptions, TagPlan
from search_api.service.serving.decoding import ImageFile, QueryImage
from search_api.service.serving.disconnects import cancel_on_disconnect
from search_api.service.serving.lifespan import service_lifespan

__all__ = [
    "Answering",
    "ImageFile",
    "QueryImage",
    "TagOptions",
    "TagPlan",
    "cancel_on_disconnect",
    "service_lifespan",
]
