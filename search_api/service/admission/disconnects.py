"""Cancellation of a request's work when its client disconnects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from search_api.service.errors import ClientGoneError

__all__ = ["cancel_on_disconnect"]


@asynccontextmanager
async def cancel_on_disconnect(request: Request) -> AsyncIterator[None]:
    """Cancel the work inside when the client disconnects; the request's body must be read already.

    Raises:
        ClientGoneError: The client disconnected.
    """
    task = asyncio.current_task()
    assert task is not None
    disconnected = False

    async def watch() -> None:
        nonlocal disconnected
        while (await request.receive())["type"] != "http.disconnect":
            pass
        disconnected = True
        task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if disconnected and task.uncancel() == 0:
            raise ClientGoneError("The client disconnected.") from None
        raise
    finally:
        watcher.cancel()
