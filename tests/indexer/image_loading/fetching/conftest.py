"""Fixtures of the tests of fetching: a server, a fetcher, and what goes over the network."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest

from indexer.image_loading.fetching import AddressPolicy, Fetcher
from tests.indexer.image_loading.fetching.site import (
    IMAGE,
    PUBLIC_ADDRESS,
    SMALL,
    Site,
    response,
    running,
)

_logs: list[list[str]] = []


def _log_event(event: str, args: tuple[object, ...]) -> None:
    if _logs and event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        _logs[-1].append(f"{event} {args}")


sys.addaudithook(_log_event)  # every connection and look-up in Python, by whichever function


@pytest.fixture
def site() -> Iterator[Site]:
    with running({"/a.jpg": response(IMAGE)}) as site:
        yield site


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    """Small images, any address."""
    with Fetcher(SMALL, AddressPolicy.ANY) as fetcher:
        yield fetcher


@pytest.fixture
def network() -> Iterator[list[str]]:
    """Every connection and look-up of a test."""
    _logs.append([])
    yield _logs[-1]
    _logs.pop()


@pytest.fixture
def connected(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses connected to; the public one leads to the site, others fail the test."""
    real = socket.socket.connect
    addresses: list[str] = []

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        addresses.append(address[0])
        assert address[0] == PUBLIC_ADDRESS
        real(self, ("127.0.0.1", site.port))

    monkeypatch.setattr(socket.socket, "connect", connect)
    return addresses
