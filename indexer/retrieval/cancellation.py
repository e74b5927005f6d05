"""Cooperative cancellation: a search asks in its loops whether its answer is still wanted.

A thread can't be stopped from outside. So whoever no longer waits for a search sets an event, and
`checkpoint` ends the search at the next turn of one of its loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event

from indexer.errors import SearchCancelledError

__all__ = ["cancelled_by", "checkpoint"]

_cancelled: ContextVar[Event | None] = ContextVar("cancelled", default=None)


@contextmanager
def cancelled_by(event: Event) -> Iterator[None]:
    """Let an event cancel the search inside, on this thread."""
    before = _cancelled.set(event)
    try:
        yield
    finally:
        _cancelled.reset(before)


def checkpoint() -> None:
    """Go on, unless the search of this thread was cancelled.

    Raises:
        SearchCancelledError: Its event is set.
    """
    event = _cancelled.get()
    if event is not None and event.is_set():
        raise SearchCancelledError("Nobody waits for this search any more.")
