"""Detectors for coroutines: in processes of their own, which start with the first request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any, TypeVar

from PIL import Image

from search_api.service.serving.decoding import DecodeWorkers
from search_api.service.serving.look_task import Look, LookTask
from search_api.service.settings import Settings

__all__ = ["Lookers"]

T = TypeVar("T")

# Side of the white image that loads a detector, in pixels.
_WARM_SIDE = 64


class Lookers:
    """Runs detectors on image files.

    Args:
        settings: Number of processes, and limits.
        timed: Measures a use.
    """

    def __init__(
        self, settings: Settings, timed: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._workers: DecodeWorkers[Look[Any], Any] = DecodeWorkers(
            LookTask(settings.image_limits, settings.max_image_memory),
            settings.vision_workers,
            settings.vision_seconds,
            settings.decode_megapixels,
        )
        self._count = settings.vision_workers
        self._timed = timed
        self._prepared: set[Callable[[Image.Image], object]] = set()
        self._preparing = asyncio.Lock()

    async def prepare(self, find: Callable[[Image.Image], object]) -> None:
        """Load a detector before its first use, which takes seconds; outside of any deadline.

        Raises:
            ModelError: The detector can't be used.
        """
        if find in self._prepared:
            return
        async with self._preparing:
            if find not in self._prepared:
                file = BytesIO()
                Image.new("RGB", (_WARM_SIDE, _WARM_SIDE), "white").save(file, "PNG")
                look = Look(find, file.getvalue())
                await asyncio.gather(*(self._workers.decode(look) for _ in range(self._count)))
                self._prepared.add(find)

    async def look(self, find: Callable[[Image.Image], T], data: bytes) -> T:
        """Return what a detector finds in an image file.

        Raises:
            ImageError: The image can't be used, or the detector hung or failed at it.
            ModelError: The detector can't be used.
        """
        with self._timed():
            found: T = await self._workers.decode(Look(find, data))
            return found

    def close(self) -> None:
        """End the processes, even while they work."""
        self._workers.close()
