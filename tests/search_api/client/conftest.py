"""Fixtures of the client's tests: both clients, and the waits that they would make."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from search_api.client import async_client, client
from tests.support.client_kinds import KINDS, Kind, MakeClient, Service


@pytest.fixture(params=KINDS, ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """The client, sync and async."""
    return request.param


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that clients would have waited."""
    seconds: list[float] = []

    async def sleep(time: float) -> None:
        seconds.append(time)

    # Only the client's modules: services of other tests sleep on threads of their own meanwhile.
    monkeypatch.setattr(client, "time", SimpleNamespace(sleep=seconds.append))
    fake = SimpleNamespace(sleep=sleep, to_thread=anyio.to_thread)
    monkeypatch.setattr(async_client, "anyio", fake)
    return seconds


@pytest.fixture
def make_client(kind: Kind) -> Iterator[MakeClient]:
    """Makes a client of a fake service; closes it at the end."""
    made = []

    def make(service: Service, **options: Any) -> Any:
        made.append(kind("http://shop.example/ai/", transport=service, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
