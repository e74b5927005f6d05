"""Metrics of the service, in the Prometheus text format.

Labels have few values: routes are named by their templates, never by the paths of requests.

Several processes that share a port count together if `PROMETHEUS_MULTIPROC_DIR` names a folder
before they start (prometheus-client's multiprocess mode, which `shared_by_workers` sets up); each
of them then reports the sums.
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

# Seconds: queries take milliseconds, large or fetched images a second and more.
_BUCKETS = (0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
# Stages are shorter.
_STAGE_BUCKETS = (0.0002, 0.0005, 0.001, *_BUCKETS)
_SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)
# Other methods share one label, since a caller may send any word.
_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"})


class Stage(StrEnum):
    """A part of a request's time."""

    RECEIVE = "receive"
    """From the head of the request to the last byte of its body."""
    DECODE = "decode"
    """An image from file to pixels, with its wait for a process."""
    ENCODE = "encode"
    """Texts and images to vectors, with their wait in the queue."""
    SEARCH = "search"
    """Neighbours, keywords, filters, facets, and reading the fields of hits."""
    FIELDS = "fields"
    """Conversion of the answer to JSON."""


class Metrics:
    """Metrics of one service, in a registry of their own."""

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
            "Time from the first byte of a request to the last byte of its answer.",
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
        self._under_way = Gauge(
            "lookalike_requests_under_way",
            "Requests in progress.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._queued = Gauge(
            "lookalike_queue_depth",
            "Texts and images that wait for the model or are in it.",
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
            "Time of a batch in the model.",
            ("lane",),
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self._lookups = _counter(
            "lookalike_text_cache", "Lookups in the cache of text vectors.", "result", registry
        )
        self._ended = _counter(
            "lookalike_connections_ended",
            "Connections refused or ended by the service.",
            "reason",
            registry,
        )
        self._watched: list[Collector] = []
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        for stage in Stage:
            self._stages.labels(stage.value)
        for result in ("hit", "miss"):
            self._lookups.labels(result)

    def watch(self, engine: Engine) -> None:
        """Report an engine's generation and number of products with every exposition."""
        collector = _EngineCollector(engine)
        self._watched.append(collector)
        self._registry.register(collector)

    def begin_request(self) -> None:
        """Count a request that arrived."""
        self._under_way.inc()

    def end_request(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request that was answered with `status`, or 0 if the client disconnected."""
        self._under_way.dec()
        route = route_of(scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def record_stage(self, stage: Stage, seconds: float) -> None:
        """Record the time of a stage, also in the trace if called from the request's own task."""
        self._stages.labels(stage.value).observe(seconds)
        current_trace().add(stage.value, seconds)

    @contextmanager
    def timed(self, stage: Stage) -> Iterator[None]:
        """Record the time of the work inside, whether or not it succeeds."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.record_stage(stage, time.perf_counter() - start)

    @contextmanager
    def queued(self, lane: str, items: int) -> Iterator[None]:
        """Count items as waiting for the model during the work inside."""
        gauge = self._queued.labels(lane)
        gauge.inc(items)
        try:
            yield
        finally:
            gauge.dec(items)

    def record_batch(self, lane: str, items: int, seconds: float) -> None:
        """Record a batch that went through the model."""
        self._batches.labels(lane).observe(items)
        self._batch_seconds.labels(lane).observe(seconds)

    def record_lookup(self, result: str) -> None:
        """Record a lookup in the text cache: "hit" or "miss"."""
        self._lookups.labels(result).inc()

    def record_ended(self, reason: str) -> None:
        """Record a connection that was refused or ended."""
        self._ended.labels(reason).inc()

    def exposition(self) -> bytes:
        """Return all metrics in the text format; with several processes, the sums of all."""
        folder = os.environ.get(_FOLDER)
        if not folder:
            return generate_latest(self._registry)
        _forget_dead(Path(folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        for collector in self._watched:
            registry.register(collector)
        return generate_latest(registry)


def _counter(name: str, meaning: str, label: str, registry: CollectorRegistry) -> Counter:
    return Counter(name, meaning, (label,), registry=registry)


class _EngineCollector(Collector):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the metrics of one generation."""
        manifest, damage = self._engine.served, self._engine.damage
        yield GaugeMetricFamily(
            "lookalike_generation", "The index generation that is served.", manifest.generation
        )
        yield GaugeMetricFamily("lookalike_products", "Products in it.", manifest.products)
        yield GaugeMetricFamily(
            "lookalike_index_damaged",
            "1 while files of the live generation are damaged, and 2 if no other one is intact.",
            0 if damage is None else 1 if damage.answers else 2,
        )


def route_of(scope: Scope) -> str:
    """Return the template of a request's route, or `other`."""
    return str(getattr(scope.get("route"), "path_format", "other"))


@contextmanager
def shared_by_workers() -> Iterator[None]:
    """Let processes that are started inside count together; for the process that starts them."""
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
    """Remove what processes that ended had in progress."""
    for path in folder.glob("gauge_live*_*.db"):
        number = path.stem.rpartition("_")[2]
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            mark_process_dead(int(number), str(folder))  # type: ignore[no-untyped-call]
        except (ValueError, PermissionError):
            continue
