"""A service's life: warm before its first request, new generations while it runs, leaving."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType

import structlog

from search_api.service.serving.answering import Answering

__all__ = ["alive"]

_log = structlog.get_logger(__name__)

# How often the index folder is looked at for a new generation.
_REFRESH_SECONDS = 0.5


@asynccontextmanager
async def alive(answering: Answering, drain_seconds: float) -> AsyncIterator[None]:
    """Everything that runs beside the requests, from warm-up to the end.

    A first SIGTERM makes `/readyz` say 503 while requests are still taken for `drain_seconds`, so
    that a load balancer turns elsewhere; then the server's own handler stops it: what is under way
    is finished.
    """
    await asyncio.to_thread(answering.warm)
    refreshing = asyncio.create_task(_refresh(answering))
    restore = _announce_end(answering, drain_seconds)
    try:
        yield
    finally:
        restore()
        refreshing.cancel()
        answering.close()


async def _refresh(answering: Answering) -> None:
    while True:
        await asyncio.sleep(_REFRESH_SECONDS)
        try:
            await asyncio.to_thread(answering.engine.refresh)
        except Exception:
            _log.exception("looking for a new generation failed")


def _announce_end(answering: Answering, seconds: float) -> Callable[[], None]:
    """Put the announcement before the present handler of SIGTERM; returns how to undo that."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    stop = signal.getsignal(signal.SIGTERM)
    loop = asyncio.get_running_loop()

    def leave() -> None:
        if callable(stop):
            stop(signal.SIGTERM, None)

    def announce(number: int, frame: FrameType | None) -> None:
        again, answering.leaving = answering.leaving, True
        if again or not seconds:
            leave()
        else:
            loop.call_soon_threadsafe(loop.call_later, seconds, leave)

    signal.signal(signal.SIGTERM, announce)
    return lambda: _restore(announce, stop)


def _restore(ours: object, before: object) -> None:
    # Whoever put another handler in place meanwhile keeps it.
    if signal.getsignal(signal.SIGTERM) is ours and before is not None:
        signal.signal(signal.SIGTERM, before)  # type: ignore[arg-type]
