"""The sync and the async client: the same methods, light to import, and closed for good."""

from __future__ import annotations

import inspect
import subprocess
import sys

import anyio
import httpx
import pytest

import search_api.client
from search_api.client import (
    AsyncClient,
    Client,
    ClientError,
    DeadlineError,
    NoAnswerInTimeError,
)
from tests.support.client_kinds import ok
from tests.support.sync_client import SYNC, sync_source


def test_both_clients_have_the_same_methods() -> None:
    names = {name for name in vars(Client) if not name.startswith("_")} - {"close"}
    assert names == {name for name in vars(AsyncClient) if not name.startswith("_")} - {"aclose"}
    for name in names:
        one, other = getattr(Client, name), getattr(AsyncClient, name)
        assert inspect.signature(one) == inspect.signature(other)


def test_the_sync_client_is_generated_from_the_async_one() -> None:
    assert SYNC.read_text("utf-8") == sync_source(), "run python -m tests.support.sync_client"


def test_errors_are_of_one_tree() -> None:
    errors = [
        value
        for name in search_api.client.__all__
        if isinstance(value := getattr(search_api.client, name), type)
        and issubclass(value, Exception)
    ]
    assert {ClientError, NoAnswerInTimeError, DeadlineError} <= set(errors)
    assert [error for error in errors if not issubclass(error, ClientError)] == []


def test_importing_the_client_is_light() -> None:
    heavy = ("torch", "open_clip", "fastapi", "starlette", "faiss", "pyarrow", "numpy", "PIL",
             "tantivy", "uvicorn", "indexer")  # fmt: skip
    probe = (
        "import search_api.client, sys; from search_api.client import Client, AsyncClient; "
        f"Client('http://x').close(); print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_async_methods_run_side_by_side() -> None:
    """Both requests are under way before either is answered."""
    both = anyio.Event()
    under_way = []

    async def answer(request: httpx.Request) -> httpx.Response:
        under_way.append(request)
        if len(under_way) == 2:
            both.set()
        with anyio.fail_after(20):
            await both.wait()
        return ok()

    async def main() -> None:
        transport = httpx.MockTransport(answer)
        client = AsyncClient("http://x", transport=transport)
        async with client, anyio.create_task_group() as group:
            group.start_soon(lambda: client.search(text="a"))
            group.start_soon(lambda: client.search(text="b"))

    anyio.run(main)


def test_a_closed_client_sends_nothing() -> None:
    with Client("http://x", transport=httpx.MockTransport(lambda _: ok())) as client:
        assert client.search(text="a").total == 1
    with pytest.raises(RuntimeError):
        client.search(text="a")
