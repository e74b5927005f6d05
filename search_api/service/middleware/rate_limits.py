"""How often each caller may ask: a token bucket for everyone, in a table of bounded size.

Our own, since it is thirty lines: the libraries for it count hits in windows or keep a list of
them, take whole requests alone, and remember every caller who was ever heard of.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["RateLimiter", "address_group"]

# Callers that are remembered: a few megabytes. Past that, who was not heard of longest is
# forgotten, and starts with a full bucket when heard of again.
_MAX_CALLERS = 10_000


@dataclass
class _Bucket:
    tokens: float
    at: float


class RateLimiter:
    """A token bucket for each caller; for one event loop or thread.

    Args:
        rate: Requests a second that a caller may go on with for ever.
        burst: Requests that one who was quiet may make at once, from 1.
        clock: Seconds, as `time.monotonic`.
        most: Callers that are remembered.
    """

    def __init__(
        self,
        rate: float,
        burst: float,
        clock: Callable[[], float] = time.monotonic,
        most: int = _MAX_CALLERS,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._most = most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        """How many callers are remembered."""
        return len(self._buckets)

    def take(self, caller: str, cost: float = 1.0) -> float:
        """Count a request.

        Args:
            caller: Whose it is.
            cost: What it counts for.

        Returns:
            0 if it may go on, otherwise the seconds after which it might; a refusal costs nothing.
        """
        now = self._clock()
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = _Bucket(self._burst, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(caller)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens < cost:
            return (cost - bucket.tokens) / self._rate
        bucket.tokens -= cost
        return 0.0


def address_group(host: str | None) -> str:
    """The addresses that one caller is likely to have: an IPv4 address, or a network of IPv6.

    A household gets at least a /64 of IPv6 (RFC 6177), whose addresses it can change at will.
    """
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return host or "local"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)
