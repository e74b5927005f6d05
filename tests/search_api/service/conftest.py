"""Services in this process decode images on a thread: starting processes takes seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from search_api.service.requests.writing import item_images
from search_api.service.serving import answering
from search_api.service.serving.decoding import ImageTask


class _ThreadDecoder:
    """In place of `DecodeWorkers`, which `test_decoding.py` and every server process use."""

    def __init__(self, task: ImageTask[Any, Any], *_: float) -> None:
        self._task = task

    def warm(self, file: Any) -> None:
        self._task(file)

    async def decode(self, file: Any) -> Any:
        await asyncio.to_thread(self._task.cost, file)
        return await asyncio.to_thread(self._task, file)

    def close(self) -> None: ...


@pytest.fixture(scope="session", autouse=True)
def _decode_on_a_thread() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answering, "DecodeWorkers", _ThreadDecoder)
        patch.setattr(item_images, "DecodeWorkers", _ThreadDecoder)
        yield
