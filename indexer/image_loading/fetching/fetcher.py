"""Fetcher: fetches one image from an http or https URL, within limits."""

from __future__ import annotations

import ipaddress
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

import httpcore
import httpx

from indexer.catalog import check_size, quote_for_message
from indexer.errors import SourceError
from indexer.image_loading.fetching.addresses import (
    AddressPolicy,
    host_not_public,
    is_private_name,
    is_valid_host,
    normalize_host,
    resolve_host,
    url_not_allowed,
)
from indexer.image_loading.fetching.connections import Clock, connection_pool
from indexer.image_loading.fetching.manners import FetchManners, Pace, wait_asked_for
from indexer.image_loading.fetching.validators import Validator

__all__ = ["FetchLimits", "Fetcher"]

_REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
_BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
# Bytes of gzip output made at a time.
_GZIP_PIECE = 2**16
# zlib: a window of the largest size, with the header and checksum of gzip.
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
# Idle connections that are kept.
_KEPT_CONNECTIONS = 20
_PORTS = range(1, 2**16)


# Parts of what the network libraries say, in lower case, and what it means.
_REASONS = {
    "not known": "there is no such host; check its name",
    "no address": "there is no such host; check its name",
    "refused": "the host refuses the connection; check the port",
    "certificate": "the host's certificate is not valid; mend it, or give another address",
    "without sending": "the host closed the connection; try again",
}


@dataclass(frozen=True)
class FetchLimits:
    """Limits of one fetch.

    Attributes:
        connect_seconds: Time for one connection: name look-up, all its addresses, TLS handshake.
        total_seconds: Time for the whole fetch, redirects included.
        max_redirects: Number of redirects that are followed.
        max_bytes: The largest image, both as sent and unpacked.
    """

    connect_seconds: float = 5.0
    total_seconds: float = 20.0
    max_redirects: int = 3
    max_bytes: int = 32 * 2**20


class Fetcher:
    """Fetches images; may be used by many threads at once.

    Every connection is opened to an address that was checked just before and is not looked up
    again. So neither a redirect nor a name that changes its addresses can evade the policy. The
    name in the URL is used for the Host header, SNI and the check of the certificate. Proxies of
    the environment are not used and cookies are not kept. Through a proxy that the manners name,
    the names of hosts are checked, and their addresses are the proxy's business.

    Args:
        limits: Limits of one fetch.
        policy: The addresses that may be connected to.
        allowed_hosts: If any, the only hosts that are fetched from: exact names, all ports.
        tls: How certificates are checked; by default against certifi's list.
        resolve: Returns the addresses of a host and port, or raises an `OSError`. It is called in
            a thread of its own, which is abandoned if it takes too long.
        clock: Measures the limits of time.
        manners: How hosts are asked, and whether busy ones are asked again.
        pace: Lets requests begin; by default as the manners say.

    Raises:
        ValueError: An allowed host is not a valid host name.
    """

    def __init__(
        self,
        limits: FetchLimits | None = None,
        policy: AddressPolicy = AddressPolicy.PUBLIC,
        allowed_hosts: frozenset[str] = frozenset(),
        *,
        tls: ssl.SSLContext | None = None,
        resolve: Callable[[str, int], Sequence[str]] = resolve_host,
        clock: Clock = time.monotonic,
        manners: FetchManners | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._manners = manners or FetchManners(retries=0)
        self._pace = pace or Pace(self._manners)
        self._limits = limits or FetchLimits()
        self._policy = policy
        self._allowed_hosts = frozenset(normalize_host(host) for host in allowed_hosts)
        self._clock = clock
        self._closed = False
        if tls is None:
            tls = httpx.create_ssl_context(trust_env=False)
        # httpcore, not httpx.Client: it ignores proxies of the environment, cookies, redirects and
        # content codings, and takes a network backend that checks addresses.
        self._pool, self._fresh_pool = (
            connection_pool(tls, kept, self._manners.proxy, policy, resolve, clock)
            for kept in (_KEPT_CONNECTIONS, 0)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; fetches in progress fail."""
        self._closed = True
        self._pool.close()
        self._fresh_pool.close()

    def fetch(self, url: str) -> bytes:
        """Return the bytes of the image at a URL, undecoded.

        Raises:
            SourceError: `url_not_allowed` (not a usable http or https URL, a user name or password
                in it, a host or an address that is not allowed, also after a redirect),
                `url_unreachable`, `url_timeout`, `url_bad_status` (not 200, or too many redirects)
                or `image_too_large`.
            RuntimeError: The fetcher is closed.
        """
        data, _ = self.fetch_if_changed(url, Validator())
        assert data is not None  # nothing else was asked for
        return data

    def fetch_if_changed(self, url: str, former: Validator) -> tuple[bytes | None, Validator]:
        """Return the bytes of the image at a URL, and what its server calls them.

        Args:
            url: The URL.
            former: What the server called the content that is here already; the bytes are None if
                the server says that there is no other.

        Raises:
            SourceError: As `fetch`.
            RuntimeError: The fetcher is closed.
        """
        if self._closed:
            raise RuntimeError("the fetcher is closed")
        left = self._manners.retries
        while True:
            try:
                return self._fetch(url, former)
            except _BusyError as busy:
                too_long = busy.seconds > self._manners.longest_wait
                if not left or too_long or not self._pace.is_patient(busy.host):
                    self._pace.note(busy.host, failed=True)
                    raise busy.problem from None
                left -= 1
                self._pace.pause(busy.host, busy.seconds)

    def _fetch(self, url: str, former: Validator) -> tuple[bytes | None, Validator]:
        """Fetch once.

        Raises:
            SourceError: As `fetch`.
            _BusyError: The host is busy.
        """
        current = self._checked(url)
        self._pace.wait(current.host)
        deadline = self._clock() + self._limits.total_seconds
        for hop in range(self._limits.max_redirects + 1):
            if hop:
                begin = self._clock()
                self._pace.wait(current.host)
                deadline += self._clock() - begin
            with (
                self._network_errors(current),
                closing(self._send(current, deadline, former)) as response,
            ):
                target = _redirect_target(response)
                if target is None:
                    if response.status == HTTPStatus.NOT_MODIFIED and former.conditions():
                        return None, former
                    return self._read(current, response), _validator(response)
            current = self._checked(target, current)
        raise SourceError(
            "url_bad_status",
            f"{quote_for_message(url.partition('?')[0])} is redirected more than "
            f"{self._limits.max_redirects} times; give the address that it ends at",
        )

    def _checked(self, text: str, base: httpx.URL | None = None) -> httpx.URL:
        """Parse a URL, or a redirect's target, and check everything except the host's addresses."""
        try:
            url = httpx.URL(text) if base is None else base.join(text)
            if url.raw_host.endswith(b"."):
                url = url.copy_with(host=url.raw_host[:-1].decode("ascii"))
        except (httpx.InvalidURL, ValueError):
            # Unparsed text is not quoted: it might contain a password.
            raise url_not_allowed("this is not a usable URL; check its spelling") from None
        host = url.raw_host.decode("ascii")
        if url.scheme not in ("http", "https"):
            raise url_not_allowed(
                f"an address of the kind {quote_for_message(url.scheme)} is not fetched; give an "
                "http or https URL"
            )
        if url.userinfo:
            raise url_not_allowed(
                f"the URL on {quote_for_message(host)} contains a user name or password; remove "
                "them"
            )
        if not is_valid_host(host) or (url.port is not None and url.port not in _PORTS):
            raise url_not_allowed(
                f"{_quoted_url(url)} has no usable host and port; check its spelling"
            )
        if self._allowed_hosts and host not in self._allowed_hosts:
            raise url_not_allowed(
                f"{quote_for_message(host)} is not one of the hosts that are fetched from"
            )
        if self._policy is AddressPolicy.PUBLIC and is_private_name(host):
            raise host_not_public(host)
        if self._manners.proxy is not None and not _is_name_or_allowed(host, self._policy):
            raise host_not_public(host)
        return url

    def _send(self, url: httpx.URL, deadline: float, former: Validator) -> httpcore.Response:
        """Send the request and return the response, its body unread."""
        try:
            return self._pool.handle_request(self._request(url, deadline, former))
        except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
            # A kept connection may have died, or hold the rest of a wrong response. Only a fresh
            # one shows what the server does.
            return self._fresh_pool.handle_request(self._request(url, deadline, former))

    def _request(self, url: httpx.URL, deadline: float, former: Validator) -> httpcore.Request:
        if self._closed:
            raise httpcore.ConnectError("the fetcher was closed")
        connect = min(deadline, self._clock() + self._limits.connect_seconds)
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
                # Of this host alone: a redirect to another one does not take them along.
                *self._manners.of(url.host).headers,
                *former.conditions(),
            ],
            # Deadlines, which httpcore passes to `CheckedBackend` and its streams.
            extensions={"timeout": {"connect": connect, "read": deadline, "write": deadline}},
        )

    def _read(self, url: httpx.URL, response: httpcore.Response) -> bytes:
        if response.status not in _BUSY:
            self._pace.note(url.host, failed=False)
        if response.status != HTTPStatus.OK:
            problem = SourceError(
                "url_bad_status",
                f"{_quoted_url(url)} answers with status {response.status}; give the address of an "
                "image",
            )
            if response.status in _BUSY:
                raise _BusyError(
                    url.host, wait_asked_for(_header(response, b"retry-after")), problem
                )
            raise problem
        max_bytes = self._limits.max_bytes
        check_size(int(_header(response, b"content-length") or 0), max_bytes)
        chunks = _limit_size(response.iter_stream(), max_bytes)
        coding = _header(response, b"content-encoding").lower()
        if coding in (b"gzip", b"x-gzip"):  # some servers compress although the request forbids it
            chunks = _limit_size(_decompress(chunks), max_bytes)
        elif coding not in (b"", b"identity"):
            raise httpcore.RemoteProtocolError(f"it is compressed with {coding.decode('latin-1')}")
        return b"".join(chunks)

    @contextmanager
    def _network_errors(self, url: httpx.URL) -> Iterator[None]:
        """Turn the errors of the network library into a `SourceError`."""
        try:
            yield
        except httpcore.TimeoutException as error:
            raise SourceError(
                "url_timeout",
                f"{_quoted_url(url)} takes longer than {self._limits.connect_seconds:g} seconds to "
                f"connect to or {self._limits.total_seconds:g} in all; try again later",
            ) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, zlib.error) as error:
            raise SourceError(
                "url_unreachable",
                f"{_quoted_url(url)} can't be fetched: {_reason(error)}",
            ) from error


class _BusyError(Exception):
    """A host is busy, and may be asked again after some seconds."""

    def __init__(self, host: str, seconds: float, problem: SourceError) -> None:
        super().__init__(host)
        self.host = host
        self.seconds = seconds
        self.problem = problem


def _is_name_or_allowed(host: str, policy: AddressPolicy) -> bool:
    """Whether a host is a name, or an address that may be connected to."""
    try:
        return policy.allows(ipaddress.ip_address(host))
    except ValueError:
        return True


def _reason(error: Exception) -> str:
    """Return why a fetch failed, in words of our own: a library's may change, or reveal things."""
    text = str(error).lower()
    for part, reason in _REASONS.items():
        if part in text:
            return reason
    if isinstance(error, httpcore.ConnectError):
        return "no connection could be made; check the address"
    if isinstance(error, httpcore.NetworkError):
        return "the connection broke; try again"
    return "the answer is not valid HTTP; give another address of the image"


def _quoted_url(url: httpx.URL) -> str:
    """Quote a URL for a message, without the query, which may contain signatures and tokens."""
    path = url.raw_path.partition(b"?")[0]
    return quote_for_message(b"".join((url.raw_scheme, b"://", url.netloc, path)).decode("ascii"))


def _header(response: httpcore.Response, name: bytes) -> bytes:
    return b",".join(value for key, value in response.headers if key.lower() == name).strip()


def _validator(response: httpcore.Response) -> Validator:
    return Validator(_header(response, b"etag"), _header(response, b"last-modified"))


def _redirect_target(response: httpcore.Response) -> str | None:
    if response.status not in _REDIRECTS:
        return None
    location = _header(response, b"location")
    try:
        return location.decode("utf-8") or None
    except UnicodeDecodeError:
        return location.decode("latin-1")


def _limit_size(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        check_size(size, max_bytes)
        yield chunk


def _decompress(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Undo gzip in small pieces, so that the size limit stops a decompression bomb."""
    # Not httpx's decoder: it expands a whole chunk at once, up to 1,000 times 64 KiB.
    decompressor = zlib.decompressobj(wbits=_GZIP_WINDOW)
    for chunk in chunks:
        rest = chunk
        while rest and not decompressor.eof:
            yield decompressor.decompress(rest, _GZIP_PIECE)
            rest = decompressor.unconsumed_tail
        if decompressor.eof:
            return
    raise httpcore.RemoteProtocolError("the compressed data is cut short")
