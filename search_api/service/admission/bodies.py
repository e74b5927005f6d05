"""Bodies under way: little memory for each that arrives, the rest on disk, within budgets.

A body that arrives keeps its first quarter of a megabyte in memory. What follows goes to a file
without a name. Once the whole body has arrived it is read into memory, when there is room for it,
and that room is held until the request ends.
"""

from __future__ import annotations

import asyncio
import errno
import math
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import IO

from search_api.service.admission.fair_queue import FairQueue
from search_api.service.admission.visits import current_visit
from search_api.service.errors import OverloadedError, SpoolFullError

__all__ = ["BodyBudget"]

# Bytes of a body that arrives which stay in memory.
_IN_MEMORY = 2**18
# The unit in which room for whole bodies is given out.
_UNIT = 2**20
# Whole bodies that wait for room.
_MOST_WAITING = 256
# Of the disk budget, one caller may have this share.
_SHARE_OF_ONE = 0.5

# Errors of a full disk.
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL = "The service receives more uploads than it can hold; try again shortly."


class BodyBudget:
    """Bodies of all requests of a process; for one event loop.

    Args:
        memory: Bytes of whole bodies that requests hold at the same time.
        disk: Bytes in files of bodies that arrive.
        seconds: How long a whole body may wait for room.
    """

    def __init__(self, memory: int, disk: int, seconds: float) -> None:
        self._disk = disk
        self._seconds = seconds
        self._room = FairQueue(max(1, memory // _UNIT), lambda: _MOST_WAITING)
        self._on_disk: Counter[str] = Counter()

    @property
    def on_disk(self) -> int:
        """Bytes in files now."""
        return self._on_disk.total()

    async def receive(self, stream: AsyncIterator[bytes]) -> bytes:
        """Return the whole body of the present request.

        Raises:
            OverloadedError: There is no room for it.
            SpoolFullError: The disk is full.
        """
        start = bytearray()
        async for piece in stream:
            start += piece
            if len(start) >= _IN_MEMORY:
                return await self._by_file(bytes(start), stream)
        return bytes(start)

    async def _by_file(self, start: bytes, stream: AsyncIterator[bytes]) -> bytes:
        caller, written = current_visit().caller, 0
        with _disk_errors(), tempfile.TemporaryFile(buffering=0) as file:
            try:
                block = bytearray(start)
                async for piece in stream:
                    block += piece
                    if len(block) >= _IN_MEMORY:
                        self._take_disk(caller, len(block))
                        written += len(block)
                        await asyncio.to_thread(_write, file, bytes(block))
                        block.clear()
                size = written + len(block)
                await self._take_room(size)
                return await asyncio.to_thread(_read, file) + bytes(block)
            finally:
                self._on_disk[caller] -= written
                if not self._on_disk[caller]:
                    del self._on_disk[caller]

    def _take_disk(self, caller: str, size: int) -> None:
        own = self._on_disk[caller] + size
        if self.on_disk + size > self._disk or own > _SHARE_OF_ONE * self._disk:
            if not self._on_disk[caller]:
                del self._on_disk[caller]
            raise OverloadedError(_FULL)
        self._on_disk[caller] = own

    async def _take_room(self, size: int) -> None:
        """Wait for room, which is given back when the request ends."""
        visit, width = current_visit(), math.ceil(size / _UNIT)
        width = min(width, self._room.places)
        try:
            async with asyncio.timeout(self._seconds):
                await self._room.take(visit.caller, width, width)
        except TimeoutError as error:
            raise OverloadedError(_FULL) from error
        visit.at_end(lambda: self._room.give_back(width))


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise SpoolFullError(
            "The service has no space for an upload now; try again later, or send a smaller image."
        ) from error


def _write(file: IO[bytes], data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
