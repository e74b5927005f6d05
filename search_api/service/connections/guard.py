"""Connections of one process: how many there may be, and which of them must go.

A connection that asks for nothing is worth less than a new one. So when there is no place, the one
that has waited longest for the head of a request makes room, then one that is idle between two
requests, then the longest upload. Only if all connections are being answered, the new one is
refused.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Protocol

import structlog

from search_api.service.connections.refusals import SLOW_BODY, SLOW_HEAD, TOO_MANY, Refusal

__all__ = ["Connection", "ConnectionGuard", "ConnectionLimits", "Phase"]

_log = structlog.get_logger("lookalike.connections")

# Seconds between two looks at all connections.
_SWEEP_SECONDS = 1.0
# Seconds between two lines of the log about closed connections.
_LOG_SECONDS = 10.0
# Seconds in which a client that was refused can read why.
LINGER_SECONDS = 2.0


class Phase(Enum):
    """What a connection waits for."""

    HEAD = "head"
    """The head of a request, or the rest of it."""
    IDLE = "idle"
    """The next request, after one was answered."""
    BODY = "body"
    """The body of a request."""
    ANSWER = "answer"
    """The answer to a request that has arrived."""
    LINGER = "linger"
    """The client, which was refused, to close it."""


# In this order connections make room for a new one.
_DISPENSABLE = (Phase.HEAD, Phase.LINGER, Phase.IDLE, Phase.BODY)


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits of one process.

    Attributes:
        most: Connections in all.
        per_address: Connections of one address.
        head_seconds: Seconds in which the head of a request arrives.
        window_seconds: Seconds over which the pace of a body or of an answer is measured.
        rate: Least bytes a second of a body, and of an answer's reader.
        idle_seconds: Seconds for which a connection may wait for its next request.
        proxies: Networks of proxies, which `per_address` does not apply to.
    """

    most: int
    per_address: int
    head_seconds: float = 10.0
    window_seconds: float = 10.0
    rate: float = 16_384.0
    idle_seconds: float = 10.0
    proxies: Collection[IPv4Network | IPv6Network] = ()

    def of_address(self, address: str) -> int:
        """Return how many connections an address may have."""
        if self.proxies:
            with suppress(ValueError):
                network = ip_network(address)
                if any(
                    proxy.version == network.version and proxy.overlaps(network)
                    for proxy in self.proxies
                ):
                    return self.most
        return self.per_address


class Connection(Protocol):
    """What the guard knows of a connection.

    Attributes:
        address: Whose it is.
        phase: What it waits for.
        since: When the phase began.
    """

    address: str
    phase: Phase
    since: float

    @property
    def is_busy(self) -> bool:
        """Whether an answer is in progress."""

    def end(self, refusal: Refusal) -> None:
        """Refuse the request in progress, if it can still be answered, and close."""

    def abort(self) -> None:
        """Close at once."""

    def is_too_slow(self, now: float, limits: ConnectionLimits) -> bool:
        """Return whether less of the body arrived than the pace demands."""

    def is_unread(self, now: float, limits: ConnectionLimits) -> bool:
        """Return whether the client does not read its answer."""


class ConnectionGuard:
    """Counts connections, makes room for new ones, and ends slow ones; for one event loop.

    Args:
        limits: The limits.
        headers: Headers of every answer.
        on_end: Called with the reason for every connection that is refused or ended.
        clock: Seconds, as `time.monotonic`.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        headers: Mapping[str, str] | None = None,
        on_end: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self.headers = dict(headers or {})
        self.now = clock
        self._on_end = on_end
        # Connections in the order in which their phases began, in all and by address.
        self._all: dict[Phase, dict[Connection, None]] = {phase: {} for phase in Phase}
        self._of: dict[str, dict[Phase, dict[Connection, None]]] = {}
        self._ended: Counter[str] = Counter()
        self._logged_at = -_LOG_SECONDS

    def __len__(self) -> int:
        """Return the number of connections."""
        return sum(map(len, self._all.values()))

    def add(self, connection: Connection) -> bool:
        """Take a new connection in, if there is or can be made a place for it."""
        limits, address = self.limits, connection.address
        own = self._of.get(address, {})
        held = sum(map(len, own.values()))
        if held >= limits.of_address(address) and not self._make_room(own):
            return False
        if len(self) >= limits.most and not self._make_room(self._all):
            return False
        self._of.setdefault(address, {phase: {} for phase in Phase})
        self._insert(connection)
        return True

    def move(self, connection: Connection, phase: Phase) -> None:
        """Note that a connection begins a phase."""
        known = self._remove(connection)
        connection.phase, connection.since = phase, self.now()
        if known:
            self._insert(connection)

    def remove(self, connection: Connection) -> None:
        """Forget a connection that was closed."""
        self._remove(connection)
        own = self._of.get(connection.address)
        if own is not None and not any(own.values()):
            del self._of[connection.address]

    def count(self, reason: str) -> None:
        """Count a connection that is refused or ended."""
        self._ended[reason] += 1
        self._on_end(reason)

    def sweep(self) -> None:
        """End connections that are too slow."""
        now, limits = self.now(), self.limits
        for connection in list(self._connections()):
            waited = now - connection.since
            if connection.is_unread(now, limits):
                self.count("unread")
                connection.abort()
            elif connection.phase is Phase.HEAD and waited >= limits.head_seconds:
                connection.end(SLOW_HEAD)
            elif connection.phase is Phase.BODY and connection.is_too_slow(now, limits):
                connection.end(SLOW_BODY)
            elif (connection.phase is Phase.LINGER and waited >= LINGER_SECONDS) or (
                connection.phase is Phase.IDLE and waited >= limits.idle_seconds
            ):
                connection.abort()
        if self._ended and now >= self._logged_at + _LOG_SECONDS:
            self._logged_at = now
            _log.warning("connections refused or ended", open=len(self), **self._ended)
            self._ended.clear()

    async def watch(self) -> None:
        """Sweep every second until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self.sweep()

    def _make_room(self, places: Mapping[Phase, dict[Connection, None]]) -> bool:
        for phase in _DISPENSABLE:
            for connection in places.get(phase, ()):
                if connection.is_busy and phase is not Phase.BODY:
                    continue
                self.count("evicted")
                if phase is Phase.BODY:
                    connection.end(TOO_MANY)
                self.remove(connection)
                connection.abort()
                return True
        return False

    def _connections(self) -> Iterator[Connection]:
        for places in self._all.values():
            yield from places

    def _insert(self, connection: Connection) -> None:
        self._all[connection.phase][connection] = None
        self._of[connection.address][connection.phase][connection] = None

    def _remove(self, connection: Connection) -> bool:
        known = connection in self._all[connection.phase]
        if known:
            del self._all[connection.phase][connection]
            del self._of[connection.address][connection.phase][connection]
        return known
