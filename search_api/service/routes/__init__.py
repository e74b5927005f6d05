"""Routes of the HTTP service by subject; each class gives a table of its own."""

from __future__ import annotations

from search_api.service.routes.batch import BatchRoutes
from search_api.service.routes.docs import add_documentation
from search_api.service.routes.heat import HeatRoutes
from search_api.service.routes.items import ItemRoutes
from search_api.service.routes.operations import OperationRoutes
from search_api.service.routes.page import PageRoutes
from search_api.service.routes.route import Route, allowed_methods
from search_api.service.routes.search import SearchRoutes
from search_api.service.routes.tags import TagRoutes
from search_api.service.routes.vision import VisionRoutes
from search_api.service.routes.writes import WriteRoutes

__all__ = [
    "BatchRoutes",
    "HeatRoutes",
    "ItemRoutes",
    "OperationRoutes",
    "PageRoutes",
    "Route",
    "SearchRoutes",
    "TagRoutes",
    "VisionRoutes",
    "WriteRoutes",
    "add_documentation",
    "allowed_methods",
]
