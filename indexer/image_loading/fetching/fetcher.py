"""Fetching one picture from an http or https URL, within limits."""

from __future__ import annotations

import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpcore
import httpx

from indexer.catalog import check_size, quote_for_message
from indexer.errors import SourceError
from indexer.image_loading.fetching.addresses import (
    AddressPolicy,
    clean_host,
    is_host,
    is_inner_name,
    look_up,
    not_allowed,
    not_public,
)
from indexer.image_loading.fetching.connections import Dialler

__all__ = ["FetchLimits", "Fetcher"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 2**16
# Shorter than servers keep an idle connection (2 seconds and more), so that few are found dead.
_KEEP_ALIVE_SECONDS = 1.0
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
        self._allowed_hosts = frozenset(clean_host(host) for host in allowed_hosts)
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
                network_backend=Dialler(policy, resolve),
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
            f"{quote_for_message(url.partition('?')[0])} is redirected more than "
            f"{self._limits.max_redirects} "
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
            raise not_allowed("this is no usable URL; check its spelling") from None
        host = url.raw_host.decode("ascii")
        if url.scheme not in ("http", "https"):
            raise not_allowed(
                f"an address of the kind {quote_for_message(url.scheme)} is not fetched; give an "
                "http or "
                "https URL"
            )
        if url.userinfo:
            raise not_allowed(
                f"the URL on {quote_for_message(host)} carries a user name or password; give it "
                "without"
            )
        if not is_host(host) or not (url.port is None or 0 < url.port < 2**16):
            raise not_allowed(f"{_named(url)} has no usable host and port; check its spelling")
        if self._allowed_hosts and host not in self._allowed_hosts:
            raise not_allowed(
                f"{quote_for_message(host)} is not one of the hosts that are fetched from"
            )
        if self._policy is AddressPolicy.PUBLIC and is_inner_name(host):
            raise not_public(host)
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
            # `Dialler` and its streams: seconds would count anew for every byte that drips in.
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
                "url_unreachable",
                f"{_named(url)} can't be fetched: {quote_for_message(str(error))}",
            ) from error


def _named(url: httpx.URL) -> str:
    """Quote a URL for a message, without the query, where signatures and tokens stand."""
    path = url.raw_path.partition(b"?")[0]
    return quote_for_message(b"".join((url.raw_scheme, b"://", url.netloc, path)).decode("ascii"))


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
