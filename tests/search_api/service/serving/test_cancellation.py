"""Work of a request that nobody waits for any more."""

from __future__ import annotations

import asyncio
import threading

import pytest

from indexer import SearchCancelledError
from indexer.retrieval import checkpoint
from indexer.search import Engine
from search_api.service.serving import Answering
from search_api.service.settings import Settings
from tests.support.processes import PATIENCE


@pytest.mark.case(30)
@pytest.mark.case(50)
def test_a_search_past_its_deadline_frees_its_thread(colour_engine: Engine) -> None:
    answering = Answering(colour_engine, Settings(threads=1))
    begun, ended = threading.Event(), threading.Event()

    def endless() -> None:
        begun.set()
        try:
            while True:
                checkpoint()
        except SearchCancelledError:
            ended.set()
            raise

    async def run() -> str:
        searching = asyncio.create_task(answering.run(endless))
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        never_begun = asyncio.create_task(answering.run(endless))
        await asyncio.sleep(0)
        searching.cancel()
        never_begun.cancel()
        # The only thread is free again, so it answers.
        return await asyncio.wait_for(answering.run(lambda: "answered"), PATIENCE)

    try:
        assert asyncio.run(run()) == "answered"
        assert ended.wait(PATIENCE)
    finally:
        answering.close()
