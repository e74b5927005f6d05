"""Rate limits: a token bucket for each caller, in a table of bounded size.

Each process counts for itself: with `--workers N`, a caller gets up to N times the limit.
docs/decisions/0008-token-bucket.md says why this is not a library.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache

__all__ = ["RateLimiter", "address_group"]

# Callers in the table: a few megabytes.
_MAX_CALLERS = 10_000


@dataclass
class _Bucket:
    tokens: float
    updated_at: float


class RateLimiter:
    """A token bucket for each caller; for one event loop or thread.

    The least recently seen caller is evicted from a full table, and starts again with a full
    bucket.

    Args:
        rate: Requests a second that a caller may make continuously.
        burst: Requests that a caller may make at once after a pause, at least 1.
        clock: Seconds, as `time.monotonic`.
        max_callers: Size of the table.
    """

    def __init__(
        self,
        rate: float,
        burst: float,
        clock: Callable[[], float] = time.monotonic,
        max_callers: int = _MAX_CALLERS,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: LRUCache[str, _Bucket] = LRUCache(max_callers)

    def __len__(self) -> int:
        """Return the number of callers in the table."""
        return len(self._buckets)

    def take(self, caller: str, cost: float = 1.0) -> float:
        """Count a request.

        Args:
            caller: The caller.
            cost: Number of requests that it counts for.

        Returns:
            0 if the request is allowed, otherwise the seconds after which it would be; a refusal
            costs nothing.
        """
        bucket = self._bucket(caller)
        if bucket.tokens < cost:
            return (cost - bucket.tokens) / self._rate
        bucket.tokens -= cost
        return 0.0

    def charge(self, caller: str, cost: float) -> None:
        """Count work of a request that was allowed, also beyond what the caller has left.

        The caller's next requests wait until the debt is paid.
        """
        self._bucket(caller).tokens -= cost

    def _bucket(self, caller: str) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = _Bucket(self._burst, now)
        refilled = bucket.tokens + (now - bucket.updated_at) * self._rate
        bucket.tokens = min(self._burst, refilled)
        bucket.updated_at = now
        return bucket


def address_group(host: str | None) -> str:
    """Return the group of addresses that one caller is likely to have.

    That is one IPv4 address, or a /64 network of IPv6: a household gets at least that (RFC 6177),
    and can change addresses within it at will.
    """
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return host or "local"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)
