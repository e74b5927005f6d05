"""Pictures that a query gives by URL: fetched where the operator allows it, and only from there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from anyio import CapacityLimiter, to_thread

from indexer import SourceError
from indexer.image_loading.fetching import AddressPolicy, Fetcher, FetchLimits
from search_api.service.errors import (
    OverloadedError,
    PayloadTooLargeError,
    RequestError,
    UrlNotAllowedError,
    UrlTimeoutError,
    UrlUnreachableError,
)
from search_api.service.settings import Settings

__all__ = ["PictureUrls"]

# Fetches at the same time, on threads of their own: slow sources keep no other query waiting. More
# than so many for each of these would wait for longer than a fetch may take.
_FETCHES = 8
_WAITING = 8

_ERRORS: Mapping[str, type[RequestError]] = {
    "url_not_allowed": UrlNotAllowedError,
    "url_timeout": UrlTimeoutError,
    "image_too_large": PayloadTooLargeError,
}


class PictureUrls:
    """Fetches the pictures of queries within the service's settings (`indexer.fetching`)."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = CapacityLimiter(_FETCHES)
        self._under_way = 0
        self._fetcher = _fetcher(settings) if settings.fetches_urls else None

    async def fetch(self, urls: Iterable[str]) -> dict[str, bytes]:
        """The files at the URLs, side by side.

        Raises:
            UrlNotAllowedError: Fetching is switched off, or not allowed from there.
            UrlTimeoutError: The source is too slow.
            UrlUnreachableError: There is no picture to be had.
            PayloadTooLargeError: The file is larger than a picture may be.
            OverloadedError: Too many are being fetched.
        """
        wanted = list(dict.fromkeys(urls))
        contents = await asyncio.gather(*(self._fetch(url) for url in wanted))
        return dict(zip(wanted, contents, strict=True))

    async def _fetch(self, url: str) -> bytes:
        if self._fetcher is None:
            raise UrlNotAllowedError(
                "Fetching pictures by URL is switched off; upload the picture instead."
            )
        if self._under_way >= _FETCHES * (1 + _WAITING):
            raise OverloadedError(
                "Too many pictures are being fetched by URL; try again, or upload this one."
            )
        self._under_way += 1
        try:
            return await to_thread.run_sync(self._fetcher.fetch, url, limiter=self._limiter)
        except SourceError as error:
            kind = _ERRORS.get(error.reason, UrlUnreachableError)
            raise kind(f"{error.message[:1].upper()}{error.message[1:]}.") from error
        finally:
            self._under_way -= 1


def _fetcher(settings: Settings) -> Fetcher:
    limits = FetchLimits(
        connect_seconds=min(5.0, settings.url_seconds),
        total_seconds=settings.url_seconds,
        max_bytes=settings.max_image_bytes,
    )
    policy = AddressPolicy.ANY if settings.private_urls else AddressPolicy.PUBLIC
    return Fetcher(limits, policy, frozenset(settings.url_hosts))
