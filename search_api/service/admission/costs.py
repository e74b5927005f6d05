"""Costs of routes: what each counts for rate limits, and which lane its work goes through."""

from __future__ import annotations

import re
from enum import Enum

from starlette.routing import compile_path

from search_api.service.admission.keys import Scope

__all__ = ["CostClass", "CostTable", "Lane"]


class Lane(Enum):
    """Work of one kind, which waits for its turn together."""

    LOOKUPS = "lookups"
    """Stored fields, thumbnails and completions: milliseconds on a thread."""
    SEARCHES = "searches"
    """Whatever searches the index or needs the model."""
    HEAT_MAPS = "heat_maps"
    """Dozens of embeddings each; one at a time, so that searches pass."""


class CostClass(Enum):
    """What a route costs; every route names one.

    Attributes:
        charge: Requests that it counts for rate limits, before its body is read. What a request
            needs beyond that is charged when its work begins.
        lane: Where its work waits for its turn; None if it does no work.
    """

    OPEN = (0.0, None)
    """Probes, metrics and the page itself."""
    FACT = (1.0, None)
    """What is in memory already; also paths that no route has."""
    IMAGE = (0.1, Lane.LOOKUPS)
    """A thumbnail: a page of hits loads two dozen, each a fraction of a search."""
    LOOKUP = (1.0, Lane.LOOKUPS)
    """One product, or completions."""
    SEARCH = (1.0, Lane.SEARCHES)
    """One search or many, recommendations, tags."""
    WRITE = (0.25, None)
    """A change of fields, or a deletion: it waits for the disk, together with others."""
    HEAT_MAP = (1.0, Lane.HEAT_MAPS)
    """A heat map."""

    def __init__(self, charge: float, lane: Lane | None) -> None:
        self.charge = charge
        self.lane = lane


class CostTable:
    """Cost classes and scopes by method and path, with the patterns and order of the router."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], tuple[CostClass, Scope]]] = []

    def add(self, method: str, path: str, cost: CostClass, scope: Scope = Scope.READ) -> None:
        """Add a route; of several that match, the first one counts."""
        pattern, _, _ = compile_path(path)
        self._routes.append((method, pattern, (cost, scope)))

    def find(self, method: str, path: str) -> tuple[CostClass, Scope]:
        """Return the cost of a request, and the scope that its key needs.

        If no route has the method, the path decides alone. HEAD is answered as GET is, so it costs
        the same.
        """
        method = "GET" if method == "HEAD" else method
        by_path = [
            (other, rule)
            for other, pattern, rule in self._routes
            if pattern.match(path) is not None
        ]
        exact = (rule for other, rule in by_path if other == method)
        return next(exact, by_path[0][1] if by_path else (CostClass.FACT, Scope.READ))
