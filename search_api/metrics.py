"""What the service counts, in the Prometheus text format.

Labels take few values: routes are named by their templates, never by the paths that came.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.types import Scope

from indexer.engine import Engine

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = CONTENT_TYPE_LATEST

# Seconds; queries take milliseconds, large pictures and fetched ones a second and more.
_BUCKETS = (0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
# A method is any word that a caller likes to send.
_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"})


class Metrics:
    """The figures of one service, in a registry of their own.

    Args:
        engine: Asked for its generation and its number of products whenever figures are read.
    """

    def __init__(self, engine: Engine) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "lookalike_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "lookalike_request_seconds",
            "From a request's first byte to its answer's last.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._under_way = Gauge(
            "lookalike_requests_under_way", "Requests being answered.", registry=self._registry
        )
        generation = Gauge(
            "lookalike_generation", "The index generation that answers.", registry=self._registry
        )
        generation.set_function(lambda: engine.index.manifest.generation)
        products = Gauge("lookalike_products", "Products in it.", registry=self._registry)
        products.set_function(lambda: engine.index.manifest.products)

    def begin(self) -> None:
        """A request came in."""
        self._under_way.inc()

    def end(self, scope: Scope, status: int, seconds: float) -> None:
        """It was answered, with `status`, or 0 if the caller was gone."""
        self._under_way.dec()
        route = getattr(scope.get("route"), "path_format", "other")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def exposed(self) -> bytes:
        """All figures, as Prometheus reads them."""
        return generate_latest(self._registry)
