"""Connections to checked addresses, with deadlines."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any

import httpcore
import httpx

from indexer.image_loading.fetching.addresses import Address, AddressPolicy, host_not_public

__all__ = ["CheckedBackend", "Clock", "connection_pool"]

Clock = Callable[[], float]
"""A monotonic clock, in seconds."""

_MAX_LOOK_UPS = 64
# How long idle connections are kept. Servers keep theirs for 2 seconds and more, so few are closed
# by the server before they are used again.
_KEEP_ALIVE_SECONDS = 1.0


class CheckedBackend(httpcore.NetworkBackend):
    """Network backend that connects only to addresses that a policy allows.

    All timeouts are deadlines: points on the clock. A number of seconds would start anew with
    every byte of a slow answer.

    Args:
        policy: The addresses that are allowed.
        resolve: Returns the addresses of a host and port, or raises an `OSError`.
        clock: The clock of the deadlines.
    """

    def __init__(
        self, policy: AddressPolicy, resolve: Callable[[str, int], Sequence[str]], clock: Clock
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        self._clock = clock
        self._sockets = httpcore.SyncBackend()
        # The thread of a look-up that takes too long can't be stopped; their number is bounded.
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
            SourceError: `url_not_allowed`, if one of its addresses is not allowed; also if there is
                no such host, unless all are allowed.
        """
        try:
            addresses = self._addresses(host, port, timeout)
        except httpcore.ConnectError as error:
            if self._policy is AddressPolicy.ANY:
                raise
            raise host_not_public(host) from error
        if not addresses and self._policy is not AddressPolicy.ANY:
            raise host_not_public(host)
        # A name with a private and a public address is more often an attack than a shop.
        if not all(self._policy.allows(address) for address in addresses):
            raise host_not_public(host)
        problem: Exception = httpcore.ConnectError("the name has no address")
        for tried, address in enumerate(addresses):
            # Each gets a share of the time: one that never answers leaves some for the rest.
            share = self._seconds_left(timeout) / (len(addresses) - tried)
            try:
                stream = self._sockets.connect_tcp(
                    str(address), port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
            else:
                return _DeadlineStream(stream, self._clock)
        raise problem

    def _addresses(self, host: str, port: int, deadline: float | None) -> list[Address]:
        try:
            return [ipaddress.ip_address(host)]
        except ValueError:
            pass
        found: Future[Sequence[str]] = Future()

        def look_up() -> None:
            try:
                found.set_result(self._resolve(host, port))
            except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
                found.set_exception(error)
            finally:
                self._look_ups.release()

        if not self._look_ups.acquire(timeout=self._seconds_left(deadline)):
            raise httpcore.ConnectTimeout("too many name look-ups hang")
        threading.Thread(target=look_up, name="look-up", daemon=True).start()
        try:
            return [
                ipaddress.ip_address(address)
                for address in found.result(self._seconds_left(deadline))
            ]
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("the name look-up takes too long") from error
        except (OSError, ValueError) as error:
            raise httpcore.ConnectError(str(error)) from error

    def _seconds_left(self, deadline: float | None) -> float:
        return _seconds_left(self._clock, deadline, httpcore.ConnectTimeout)


class _DeadlineStream(httpcore.NetworkStream):
    """A connection whose timeouts are points on the clock."""

    def __init__(self, stream: httpcore.NetworkStream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read the bytes that are there, or wait for some."""
        left = _seconds_left(self._clock, timeout, httpcore.ReadTimeout)
        return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all bytes."""
        self._stream.write(buffer, _seconds_left(self._clock, timeout, httpcore.WriteTimeout))

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
            left = _seconds_left(self._clock, timeout, httpcore.ConnectTimeout)
        except httpcore.ConnectTimeout:
            self.close()
            raise
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return _DeadlineStream(stream, self._clock)

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection, such as its socket."""
        return self._stream.get_extra_info(info)


def _seconds_left(
    clock: Clock, deadline: float | None, error: type[httpcore.TimeoutException]
) -> float:
    """Return the seconds until a deadline; raise the error if it has passed."""
    assert deadline is not None  # every request sets all of them
    left = deadline - clock()
    if left <= 0:
        raise error("the deadline has passed")
    return left


def connection_pool(
    tls: ssl.SSLContext,
    kept: int,
    proxy: str | None,
    policy: AddressPolicy,
    resolve: Callable[[str, int], Sequence[str]],
    clock: Clock,
) -> httpcore.ConnectionPool:
    """Return a pool of connections to checked addresses, or to a proxy.

    Args:
        tls: How certificates are checked.
        kept: Number of idle connections that are kept.
        proxy: URL of the proxy, which is connected to wherever it is; None for none.
        policy: The addresses that are allowed.
        resolve: As of `CheckedBackend`.
        clock: The clock of the deadlines.
    """
    if proxy is None:
        return httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=None,
            max_keepalive_connections=kept,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            network_backend=CheckedBackend(policy, resolve, clock),
        )
    url = httpx.URL(proxy)
    auth = (url.username.encode(), url.password.encode()) if url.userinfo else None
    return httpcore.HTTPProxy(
        proxy_url=str(url.copy_with(username=None, password=None)),
        proxy_auth=auth,
        ssl_context=tls,
        proxy_ssl_context=tls if url.scheme == "https" else None,
        max_connections=None,
        max_keepalive_connections=kept,
        keepalive_expiry=_KEEP_ALIVE_SECONDS,
        # The proxy itself is of the inner network.
        network_backend=CheckedBackend(AddressPolicy.ANY, resolve, clock),
    )
