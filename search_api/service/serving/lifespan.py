"""Service lifespan: warm-up, index refresh, graceful shutdown."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network

import structlog

from search_api.service.connections import (
    STATE,
    ConnectionGuard,
    ConnectionLimits,
    connections_that_fit,
)
from search_api.service.middleware import Metrics, security_headers
from search_api.service.serving.answering import Answering
from search_api.service.settings import Settings

__all__ = ["service_lifespan"]

_log = structlog.get_logger(__name__)

# Seconds between two looks for a new generation, and for damage, in the index folder.
_REFRESH_SECONDS = 0.5


@asynccontextmanager
async def service_lifespan(
    answering: Answering, settings: Settings, metrics: Metrics
) -> AsyncIterator[dict[str, ConnectionGuard]]:
    """Warm the service up, then refresh its index until the end.

    After a first SIGTERM, `/readyz` answers 503 while requests are accepted for `drain_seconds`, so
    that a load balancer stops sending them. Then the server's own handler stops it, and requests
    in progress are finished.

    Yields:
        The state that the server gives to every connection: the guard of connections.
    """
    await asyncio.to_thread(answering.warm)
    preparing = asyncio.create_task(asyncio.to_thread(_prepare, answering))
    scrub_bytes = int(settings.scrub_megabytes * 1e6 * _REFRESH_SECONDS)
    refreshing = asyncio.create_task(_refresh(answering, scrub_bytes))
    guard = _connection_guard(settings, metrics)
    watching = asyncio.create_task(guard.watch())
    restore = _handle_sigterm(answering, settings.drain_seconds)
    try:
        yield {STATE: guard}
    finally:
        restore()
        watching.cancel()
        refreshing.cancel()
        preparing.cancel()
        answering.close()


def _connection_guard(settings: Settings, metrics: Metrics) -> ConnectionGuard:
    limits = ConnectionLimits(
        most=connections_that_fit(settings.max_connections),
        per_address=settings.connections_per_address,
        head_seconds=settings.head_seconds,
        window_seconds=settings.body_seconds,
        rate=settings.body_rate,
        proxies=tuple(ip_network(each, strict=False) for each in settings.trusted_proxies),
    )
    return ConnectionGuard(limits, security_headers(settings), metrics.record_ended)


def _prepare(answering: Answering) -> None:
    answering.warm_batches()
    # Compiling a model leaves memory behind that the allocator keeps (glibc).
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


async def _refresh(answering: Answering, scrub_bytes: int) -> None:
    while True:
        await asyncio.sleep(_REFRESH_SECONDS)
        try:
            await asyncio.to_thread(answering.engine.refresh, scrub_bytes)
        except Exception:  # noqa: BLE001 (logged; the present generation stays)
            _log.exception("looking for a new generation failed")


def _handle_sigterm(answering: Answering, drain_seconds: float) -> Callable[[], None]:
    """Drain before the present handler of SIGTERM runs; return a function that undoes this."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    server_handler = signal.getsignal(signal.SIGTERM)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if callable(server_handler):
            server_handler(signal.SIGTERM, None)

    def drain(*_: object) -> None:
        again, answering.stopping = answering.stopping, True
        if again or not drain_seconds:
            stop()
        else:
            loop.call_soon_threadsafe(loop.call_later, drain_seconds, stop)

    signal.signal(signal.SIGTERM, drain)
    return lambda: _restore(drain, server_handler)


def _restore(ours: object, before: object) -> None:
    # A handler that was set in the meantime stays.
    if signal.getsignal(signal.SIGTERM) is ours and before is not None:
        signal.signal(signal.SIGTERM, before)  # type: ignore[arg-type]
