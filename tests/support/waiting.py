"""Waiting for a state that a process or a thread reaches, however busy the machine is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from tests.support.processes import PATIENCE

__all__ = ["until", "until_async"]

_POLL_SECONDS = 0.02


def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: It did not within `PATIENCE` seconds, which no healthy run needs.
    """
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the state that the test waits for was never reached")
        time.sleep(_POLL_SECONDS)


async def until_async(condition: Callable[[], object]) -> None:
    """Wait until a condition holds, while the event loop goes on; errors as `until`."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 (it is another process that sets the state)
            await asyncio.sleep(_POLL_SECONDS)
