"""Fetching pictures from http and https URLs, within limits and only from allowed addresses."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar

import httpcore
import httpx

from indexer.catalog.ids import shown
from indexer.catalog.sources import check_size
from indexer.errors import SourceError

__all__ = ["AddressPolicy", "FetchLimits", "Fetcher", "fetch_ahead", "look_up"]

T = TypeVar("T")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# The IANA special-purpose registry of IPv4 (RFC 6890), whole blocks without their exceptions, such
# as the port control anycast that a router at home answers; multicast; the relays of 6to4; and the
# host of an Azure machine, whose address is inner although its block is not.
_INNER_V4 = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",
    )
)  # fmt: skip
# Of IPv6 only global unicast (RFC 4291) is public, without the IETF's own block (Teredo is in it),
# documentation and 6to4; ULA, link-local, multicast and the local NAT64 prefix lie outside of it.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_INNER_V6 = tuple(
    ipaddress.IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address

_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.DOTALL)
# Other spellings of IPv4 addresses: 0x7f.1, 017700000001, 2130706433. No top domain is a number.
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
# RFC 6761, 6762 and 8375, and ICANN's resolution of 2024 on `internal`: never on the internet.
_INNER_NAMES = (".localhost", ".localdomain", ".local", ".internal", ".home.arpa")

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 2**16
# Shorter than servers keep an idle connection (2 seconds and more), so that few are found dead.
_KEEP_ALIVE_SECONDS = 1.0
_MAX_LOOK_UPS = 64
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True)
class FetchLimits:
    """How much one fetch may take.

    Attributes:
        connect_seconds: For one connection: name look-up, all its addresses, TLS handshake.
        total_seconds: For the whole fetch by the wall clock, redirects included.
        max_redirects: How many redirects are followed.
        max_bytes: The largest picture, both as sent and unpacked.
    """

    connect_seconds: float = 5.0
    total_seconds: float = 20.0
    max_redirects: int = 3
    max_bytes: int = 32 * 2**20


class AddressPolicy(StrEnum):
    """Which addresses may be dialled.

    `PUBLIC` is for URLs from strangers: addresses that are routed on the whole internet, no others.
    `ANY` is for an operator's own catalog, whose pictures may be on an inner network.
    """

    PUBLIC = "public"
    ANY = "any"

    def allows(self, address: _Address) -> bool:
        """Whether a connection to the address may be opened."""
        return self is AddressPolicy.ANY or _is_public(address)


def _is_public(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in block for block in _INNER_V4)
    embedded = address.ipv4_mapped
    if embedded is None and address in _NAT64:
        embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if embedded is not None:
        return _is_public(embedded)
    return address in _GLOBAL_V6 and not any(address in block for block in _INNER_V6)


def look_up(host: str, port: int) -> Sequence[str]:
    """Return a host's addresses by the system's resolver, best first.

    Raises:
        OSError: The name has none, or the resolver can't be reached.
    """
    # As bytes: text would pass through Python's older IDNA rules, which refuse some names.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Fetcher:
    """Fetches pictures; may be used by many threads at once.

    Every connection is opened to an address that was checked just before and is not looked up
    again, so that neither a redirect nor a name that changes its addresses leads past the policy.
    The name in the URL stays the one in the Host header, in SNI and in the certificate's check.
    Proxies of the environment are not used and cookies are not kept.

    Args:
        limits: What one fetch may take.
        policy: Which addresses may be dialled.
        allowed_hosts: If any, the only hosts that are fetched from: exact names, all ports.
        tls: How certificates are checked; by default against certifi's list.
        resolve: Gives the addresses of a host and port, or raises an `OSError`; it is called in a
            thread of its own, which is left alone when it takes too long.

    Raises:
        ValueError: If an allowed host is none.
    """

    def __init__(
        self,
        limits: FetchLimits | None = None,
        policy: AddressPolicy = AddressPolicy.PUBLIC,
        allowed_hosts: frozenset[str] = frozenset(),
        *,
        tls: ssl.SSLContext | None = None,
        resolve: Callable[[str, int], Sequence[str]] = look_up,
    ) -> None:
        self._limits = limits or FetchLimits()
        self._policy = policy
        self._allowed_hosts = frozenset(_clean_host(host) for host in allowed_hosts)
        self._closed = False
        if tls is None:
            tls = httpx.create_ssl_context(trust_env=False)
        # httpcore and not httpx.Client, since it knows nothing of proxies in the environment,
        # cookies, redirects and content codings, and lets us dial.
        self._kept, self._fresh = (
            httpcore.ConnectionPool(
                ssl_context=tls,
                max_connections=None,
                max_keepalive_connections=kept,
                keepalive_expiry=_KEEP_ALIVE_SECONDS,
                network_backend=_Dialler(policy, resolve),
            )
            for kept in (20, 0)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; fetches that are under way fail."""
        self._closed = True
        self._kept.close()
        self._fresh.close()

    def fetch(self, url: str) -> bytes:
        """Return the picture at a URL, undecoded.

        Raises:
            SourceError: `url_not_allowed` (no usable http or https URL, a user name or password in
                it, a host or an address that isn't allowed, also after a redirect),
                `url_unreachable`, `url_timeout`, `url_bad_status` (not 200, or too many redirects)
                or `image_too_large`.
            RuntimeError: The fetcher is closed.
        """
        if self._closed:
            raise RuntimeError("the fetcher is closed")
        deadline = time.monotonic() + self._limits.total_seconds
        at = self._admit(url)
        for _ in range(self._limits.max_redirects + 1):
            with self._problems_told(at), closing(self._ask(at, deadline)) as answer:
                target = _redirect(answer)
                if target is None:
                    return self._read(at, answer)
            at = self._admit(target, at)
        raise SourceError(
            "url_bad_status",
            f"{shown(url.partition('?')[0])} is redirected more than {self._limits.max_redirects} "
            "times; give the address that it ends at",
        )

    def _admit(self, text: str, base: httpx.URL | None = None) -> httpx.URL:
        """Parse a URL, or a redirect's target, and check all of it but the host's addresses."""
        try:
            url = httpx.URL(text) if base is None else base.join(text)
            if url.raw_host.endswith(b"."):
                url = url.copy_with(host=url.raw_host[:-1].decode("ascii"))
        except (httpx.InvalidURL, ValueError):
            # Unparsed text is not echoed: there might be a password in it.
            raise _not_allowed("this is no usable URL; check its spelling") from None
        host = url.raw_host.decode("ascii")
        if url.scheme not in ("http", "https"):
            raise _not_allowed(
                f"an address of the kind {shown(url.scheme)} is not fetched; give an http or "
                "https URL"
            )
        if url.userinfo:
            raise _not_allowed(
                f"the URL on {shown(host)} carries a user name or password; give it without"
            )
        if not _is_host(host) or not (url.port is None or 0 < url.port < 2**16):
            raise _not_allowed(f"{_named(url)} has no usable host and port; check its spelling")
        if self._allowed_hosts and host not in self._allowed_hosts:
            raise _not_allowed(f"{shown(host)} is not one of the hosts that are fetched from")
        if self._policy is AddressPolicy.PUBLIC and _is_inner_name(host):
            raise _not_public(host)
        return url

    def _ask(self, url: httpx.URL, deadline: float) -> httpcore.Response:
        """Send the request and return the answer, its body unread."""
        try:
            return self._kept.handle_request(self._request(url, deadline))
        except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
            # A kept connection may have died, or hold the rest of a wrong answer; a fresh one
            # tells the truth.
            return self._fresh.handle_request(self._request(url, deadline))

    def _request(self, url: httpx.URL, deadline: float) -> httpcore.Request:
        if self._closed:
            raise httpcore.ConnectError("the fetcher was closed")
        connect = min(deadline, time.monotonic() + self._limits.connect_seconds)
        return httpcore.Request(
            "GET",
            httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=[
                (b"Host", url.netloc),
                (b"User-Agent", b"lookalike"),
                (b"Accept", b"image/*, */*;q=0.5"),
                (b"Accept-Encoding", b"identity"),
            ],
            # Not seconds, but points on the monotonic clock, which httpcore hands through to
            # `_Dialler` and `_Stream`: seconds would count anew for every byte that drips in.
            extensions={"timeout": {"connect": connect, "read": deadline, "write": deadline}},
        )

    def _read(self, url: httpx.URL, answer: httpcore.Response) -> bytes:
        if answer.status != 200:
            raise SourceError(
                "url_bad_status",
                f"{_named(url)} answers with status {answer.status}; give a picture's address",
            )
        most = self._limits.max_bytes
        check_size(int(_header(answer, b"content-length") or 0), most)
        chunks = _limited(answer.iter_stream(), most)
        coding = _header(answer, b"content-encoding").lower()
        if coding in (b"gzip", b"x-gzip"):  # some servers pack it unasked
            chunks = _limited(_unpacked(chunks), most)
        elif coding not in (b"", b"identity"):
            raise httpcore.RemoteProtocolError(f"it comes packed as {coding.decode('latin-1')}")
        return b"".join(chunks)

    @contextmanager
    def _problems_told(self, url: httpx.URL) -> Iterator[None]:
        try:
            yield
        except httpcore.TimeoutException as error:
            raise SourceError(
                "url_timeout",
                f"{_named(url)} takes longer than {self._limits.connect_seconds:g} seconds to "
                f"connect to or {self._limits.total_seconds:g} in all; try again later",
            ) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, zlib.error) as error:
            raise SourceError(
                "url_unreachable", f"{_named(url)} can't be fetched: {shown(str(error))}"
            ) from error


def fetch_ahead(
    items: Iterable[T],
    urls_of: Callable[[T], Sequence[str]],
    fetcher: Fetcher,
    workers: int = 16,
    ahead: int = 64,
) -> Iterator[tuple[T, tuple[bytes | SourceError, ...]]]:
    """Yield items in their order, each with what is at its URLs, while later ones are fetched.

    Items are taken from the iterable only as they are needed: while the first item that was not
    yielded yet waits for its pictures, up to `ahead` URLs, its own included, are fetched or wait
    in memory. (An item with more URLs goes alone, one with none counts as one.) So the pictures in
    memory are at most `ahead` times the fetcher's `max_bytes`. Once the generator is closed, no
    further fetch begins; those under way end by themselves in threads that hold up nobody.

    Args:
        items: The items.
        urls_of: Gives the URLs of an item, often none.
        fetcher: Fetches; not closed here.
        workers: How many URLs are fetched at a time, from 1.
        ahead: How many URLs are fetched ahead.

    Yields:
        Each item with its URLs' pictures or errors, in the order of the URLs.
    """
    waiting: deque[tuple[T, list[Future[bytes | SourceError]]]] = deque()
    load = 0

    def first() -> tuple[T, tuple[bytes | SourceError, ...]]:
        nonlocal load
        item, futures = waiting[0]
        results = tuple(future.result() for future in futures)
        waiting.popleft()
        load -= max(1, len(futures))
        return item, results

    crew = _Crew(fetcher, workers)
    try:
        for item in items:
            urls = urls_of(item)
            cost = max(1, len(urls))
            while waiting and load + cost > ahead:
                yield first()
            waiting.append((item, [crew.submit(url) for url in urls]))
            load += cost
            while waiting and all(future.done() for future in waiting[0][1]):
                yield first()
        while waiting:
            yield first()
    finally:
        for _, futures in waiting:
            for future in futures:
                future.cancel()
        crew.dismiss()


class _Crew:
    """Threads that fetch. They are daemons, so that an interrupted program ends at once."""

    def __init__(self, fetcher: Fetcher, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"at least one worker is needed, not {workers}")
        self._fetcher = fetcher
        self._workers = workers
        self._started = 0
        self._tasks: SimpleQueue[tuple[str, Future[bytes | SourceError]] | None] = SimpleQueue()

    def submit(self, url: str) -> Future[bytes | SourceError]:
        """Queue a URL; most catalogs have none, and start no threads."""
        future: Future[bytes | SourceError] = Future()
        self._tasks.put((url, future))
        if self._started < self._workers:
            self._started += 1
            threading.Thread(target=self._work, name="fetch", daemon=True).start()
        return future

    def dismiss(self) -> None:
        """Let each thread end after its current fetch and the futures that are cancelled."""
        for _ in range(self._started):
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            url, future = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._fetcher.fetch(url))
            except SourceError as error:
                # Anew, since the trace of the one that was raised keeps all it had read in memory.
                future.set_result(SourceError(error.reason, error.message))
            except BaseException as error:
                future.set_exception(error)
            del task, future  # or an idle thread would keep its last picture


class _Dialler(httpcore.NetworkBackend):
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
            raise _not_public(host)
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

    def _addresses(self, host: str, port: int, deadline: float | None) -> list[_Address]:
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


def _clean_host(text: str) -> str:
    try:
        host = httpx.URL(scheme="http", host=text).raw_host.decode("ascii").removesuffix(".")
    except (httpx.InvalidURL, ValueError):
        host = ""
    if not _is_host(host):
        raise ValueError(f"{shown(text)} is no host's name")
    return host


def _is_host(host: str) -> bool:
    """Whether the text is a name or a plainly spelled address."""
    try:
        return "%" not in str(ipaddress.ip_address(host))  # no zone: it means nothing elsewhere
    except ValueError:
        return bool(_HOST_NAME.fullmatch(host)) and not _NUMBER.fullmatch(host)


def _is_inner_name(host: str) -> bool:
    """Whether a name means nothing on the internet; so that it isn't even looked up."""
    if ":" in host:
        return False
    return "." not in host or host.endswith(_INNER_NAMES)


def _not_allowed(message: str) -> SourceError:
    return SourceError("url_not_allowed", message)


def _not_public(host: str) -> SourceError:
    # The address itself isn't told: it may be the answer of an inner name server.
    return _not_allowed(f"{shown(host)} is no public host; give an address on the internet")


def _named(url: httpx.URL) -> str:
    """Quote a URL for a message, without the query, where signatures and tokens stand."""
    path = url.raw_path.partition(b"?")[0]
    return shown(b"".join((url.raw_scheme, b"://", url.netloc, path)).decode("ascii"))


def _header(answer: httpcore.Response, name: bytes) -> bytes:
    return b",".join(value for key, value in answer.headers if key.lower() == name).strip()


def _redirect(answer: httpcore.Response) -> str | None:
    if answer.status not in _REDIRECTS:
        return None
    location = _header(answer, b"location")
    try:
        return location.decode("utf-8") or None
    except UnicodeDecodeError:
        return location.decode("latin-1")


def _limited(chunks: Iterable[bytes], most: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        check_size(size, most)
        yield chunk


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Undo gzip in small pieces, so that a bomb is stopped by its size."""
    unpacker = zlib.decompressobj(wbits=_GZIP)
    for chunk in chunks:
        rest = chunk
        while rest and not unpacker.eof:
            yield unpacker.decompress(rest, _CHUNK)
            rest = unpacker.unconsumed_tail
        if unpacker.eof:
            return
    raise httpcore.RemoteProtocolError("the packed data is cut short")
