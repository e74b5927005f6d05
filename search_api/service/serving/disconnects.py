"""Work for callers who are still there: what one who hung up asked is given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from search_api.service.errors import ClientGoneError

__all__ = ["attended"]


@asynccontextmanager
async def attended(request: Request) -> AsyncIterator[None]:
    """Cancel what is done inside as soon as the caller hangs up; for a request whose body is read.

    Raises:
        ClientGoneError: The caller hung up.
    """
    task = asyncio.current_task()
    assert task is not None
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone = True
        task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if gone and task.uncancel() == 0:
            raise ClientGoneError("The caller hung up.") from None
        raise
    finally:
        watcher.cancel()
