"""What the service counts, in the Prometheus text format.

Labels take few values: routes are named by their templates, never by the paths that came.

Several processes that share a port count together when `PROMETHEUS_MULTIPROC_DIR` names a folder
before they start (prometheus-client's multiprocess mode, which `shared_by_workers` sets up);
each of them then tells the sums.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from starlette.types import Scope

from indexer.search import Engine
from search_api.service.middleware.trace import current_trace

__all__ = ["CONTENT_TYPE", "Metrics", "Stage", "route_of", "shared_by_workers"]

CONTENT_TYPE = CONTENT_TYPE_LATEST

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

# Seconds; queries take milliseconds, large pictures and fetched ones a second and more.
_BUCKETS = (0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
# Stages are shorter.
_STAGE_BUCKETS = (0.0002, 0.0005, 0.001, *_BUCKETS)
_SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)
# A method is any word that a caller likes to send.
_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"})


class Stage(StrEnum):
    """A part of a request's time."""

    RECEIVE = "receive"
    """From the request's head to its body's last byte."""
    DECODE = "decode"
    """A picture, from file to pixels, its wait for a worker included."""
    ENCODE = "encode"
    """Texts and pictures to vectors, their wait in the queue included."""
    SEARCH = "search"
    """Neighbours, keywords, filters and facets; the hits' fields read."""
    FIELDS = "fields"
    """The answer written as JSON."""


class Metrics:
    """The figures of one service, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "lookalike_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "lookalike_request_seconds",
            "From a request's first byte to its answer's last.",
            ("route",),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._stages = Histogram(
            "lookalike_stage_seconds",
            "Time of a request's stages.",
            ("stage",),
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        for stage in Stage:
            self._stages.labels(stage.value)
        self._under_way = Gauge(
            "lookalike_requests_under_way",
            "Requests being answered.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._queued = Gauge(
            "lookalike_queue_depth",
            "Texts and pictures that wait for the model or are in it.",
            ("lane",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._batches = Histogram(
            "lookalike_batch_size",
            "Items that went through the model together.",
            ("lane",),
            buckets=_SIZES,
            registry=registry,
        )
        self._batch_seconds = Histogram(
            "lookalike_batch_seconds",
            "Time that a batch took in the model.",
            ("lane",),
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self._looks = Counter(
            "lookalike_text_cache",
            "Looks into the cache of text vectors.",
            ("result",),
            registry=registry,
        )
        for result in ("hit", "miss"):
            self._looks.labels(result)
        self._watched: list[Collector] = []

    def watch(self, engine: Engine) -> None:
        """Tell an engine's generation and number of products whenever figures are read."""
        collector = _EngineCollector(engine)
        self._watched.append(collector)
        self._registry.register(collector)

    def begin(self) -> None:
        """A request came in."""
        self._under_way.inc()

    def end(self, scope: Scope, status: int, seconds: float) -> None:
        """It was answered, with `status`, or 0 if the caller was gone."""
        self._under_way.dec()
        route = route_of(scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def stage(self, stage: Stage, seconds: float) -> None:
        """A stage took so long; also noted for the log, when told from the request's own task."""
        self._stages.labels(stage.value).observe(seconds)
        current_trace().add(stage.value, seconds)

    @contextmanager
    def timed(self, stage: Stage) -> Iterator[None]:
        """As `stage`, of what is done inside, whether or not it succeeds."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stage(stage, time.perf_counter() - start)

    @contextmanager
    def queued(self, lane: str, items: int) -> Iterator[None]:
        """So many items wait for the model in what is done inside."""
        gauge = self._queued.labels(lane)
        gauge.inc(items)
        try:
            yield
        finally:
            gauge.dec(items)

    def batch(self, lane: str, items: int, seconds: float) -> None:
        """A batch went through the model."""
        self._batches.labels(lane).observe(items)
        self._batch_seconds.labels(lane).observe(seconds)

    def look(self, found: bool) -> None:
        """A text's vector was looked for in the cache."""
        self._looks.labels("hit" if found else "miss").inc()

    def exposed(self) -> bytes:
        """All figures, as Prometheus reads them; those of all processes where they share them."""
        folder = os.environ.get(_FOLDER)
        if not folder:
            return generate_latest(self._registry)
        _forget_dead(Path(folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        for collector in self._watched:
            registry.register(collector)
        return generate_latest(registry)


class _EngineCollector(Collector):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Both figures of one generation."""
        manifest = self._engine.index.manifest
        yield GaugeMetricFamily(
            "lookalike_generation", "The index generation that answers.", manifest.generation
        )
        yield GaugeMetricFamily("lookalike_products", "Products in it.", manifest.products)


def route_of(scope: Scope) -> str:
    """The template of the route that answers a request, or `other`."""
    return str(getattr(scope.get("route"), "path_format", "other"))


@contextmanager
def shared_by_workers() -> Iterator[None]:
    """Processes that are started inside count together; for the process that starts them."""
    if os.environ.get(_FOLDER):
        yield
        return
    folder = tempfile.mkdtemp(prefix="lookalike-metrics-")
    os.environ[_FOLDER] = folder
    try:
        yield
    finally:
        del os.environ[_FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def _forget_dead(folder: Path) -> None:
    """What a process that is gone had under way is no longer under way."""
    for path in folder.glob("gauge_live*_*.db"):
        number = path.stem.rpartition("_")[2]
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            mark_process_dead(int(number), str(folder))  # type: ignore[no-untyped-call]
        except (ValueError, PermissionError):
            continue
