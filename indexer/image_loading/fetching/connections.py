"""Connections to checked addresses, with deadlines."""

from __future__ import annotations

import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any

import httpcore

from indexer.image_loading.fetching.addresses import Address, AddressPolicy, not_public

__all__ = ["Dialler"]

_MAX_LOOK_UPS = 64


class Dialler(httpcore.NetworkBackend):
    """Opens connections to checked addresses. All timeouts are points on the monotonic clock."""

    def __init__(self, policy: AddressPolicy, resolve: Callable[[str, int], Sequence[str]]) -> None:
        self._policy = policy
        self._resolve = resolve
        self._sockets = httpcore.SyncBackend()
        # Threads of look-ups that took too long can't be stopped, only kept from piling up.
        self._look_ups = threading.BoundedSemaphore(_MAX_LOOK_UPS)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of a host's addresses that answers.

        Raises:
            SourceError: `url_not_allowed`, if any of its addresses is.
        """
        addresses = self._addresses(host, port, timeout)
        # One name with an inner and a public address is a trap more often than a shop.
        if not all(self._policy.allows(address) for address in addresses):
            raise not_public(host)
        problem: Exception = httpcore.ConnectError("the name has no address")
        for tried, address in enumerate(addresses):
            # A share for each, or one that never answers would use up the time of all.
            share = _left(timeout, httpcore.ConnectTimeout) / (len(addresses) - tried)
            try:
                stream = self._sockets.connect_tcp(
                    str(address), port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
            else:
                return _Stream(stream)
        raise problem

    def _addresses(self, host: str, port: int, deadline: float | None) -> list[Address]:
        try:
            return [ipaddress.ip_address(host)]
        except ValueError:
            pass
        found: Future[Sequence[str]] = Future()

        def work() -> None:
            try:
                found.set_result(self._resolve(host, port))
            except BaseException as error:
                found.set_exception(error)
            finally:
                self._look_ups.release()

        if not self._look_ups.acquire(timeout=_left(deadline, httpcore.ConnectTimeout)):
            raise httpcore.ConnectTimeout("too many name look-ups hang")
        threading.Thread(target=work, name="look-up", daemon=True).start()
        try:
            answer = found.result(_left(deadline, httpcore.ConnectTimeout))
            return [ipaddress.ip_address(address) for address in answer]
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("the name look-up takes too long") from error
        except (OSError, ValueError) as error:
            raise httpcore.ConnectError(str(error)) from error


class _Stream(httpcore.NetworkStream):
    """A connection whose timeouts are points on the monotonic clock."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there."""
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Do the TLS handshake."""
        try:
            left = _left(timeout, httpcore.ConnectTimeout)
        except httpcore.ConnectTimeout:
            self.close()
            raise
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        """Tell about the connection."""
        return self._stream.get_extra_info(info)


def _left(deadline: float | None, error: type[httpcore.TimeoutException]) -> float:
    """Return the seconds until a point on the monotonic clock; raise when it is over."""
    assert deadline is not None  # every request sets all of them
    left = deadline - time.monotonic()
    if left <= 0:
        raise error("the time is over")
    return left
