"""What stands between the routes and the engine: queues, decoding, deadlines, processes."""

from __future__ import annotations

from search_api.service.serving.answering import Answering, Tagging, Wanted
from search_api.service.serving.decoding import GivenPicture, QueryPicture
from search_api.service.serving.disconnects import attended
from search_api.service.serving.lifespan import alive

__all__ = ["Answering", "GivenPicture", "QueryPicture", "Tagging", "Wanted", "alive", "attended"]
