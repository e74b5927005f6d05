"""Query images by URL, fetched if the settings allow it, and only from allowed hosts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread

from indexer import SourceError
from search_api.service.errors import (
    OverloadedError,
    PayloadTooLargeError,
    RequestError,
    UrlNotAllowedError,
    UrlTimeoutError,
    UrlUnreachableError,
)
from search_api.service.settings import Settings

if TYPE_CHECKING:
    from indexer.image_loading.fetching import Fetcher

__all__ = ["ImageUrls"]

# Fetches at the same time, on threads of their own, so that slow sources delay no other query.
_PARALLEL_FETCHES = 8
# Fetches that may wait for each of these threads; more would wait longer than a fetch may take.
_WAITING_PER_FETCH = 8

_ERRORS: Mapping[str, type[RequestError]] = {
    "url_not_allowed": UrlNotAllowedError,
    "url_timeout": UrlTimeoutError,
    "image_too_large": PayloadTooLargeError,
}


class ImageUrls:
    """Fetches the images of queries within the service's settings."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = CapacityLimiter(_PARALLEL_FETCHES)
        self._in_progress = 0
        self._fetcher = _fetcher(settings) if settings.fetches_urls else None

    async def fetch(self, urls: Iterable[str]) -> dict[str, bytes]:
        """Fetch URLs side by side, and return the file of each.

        Raises:
            UrlNotAllowedError: Fetching is switched off, or the host is not allowed.
            UrlTimeoutError: The host is too slow.
            UrlUnreachableError: The URL gives no file.
            PayloadTooLargeError: The file is larger than an image may be.
            OverloadedError: Too many fetches are in progress.
        """
        wanted = list(dict.fromkeys(urls))
        contents = await asyncio.gather(*(self._fetch(url) for url in wanted))
        return dict(zip(wanted, contents, strict=True))

    async def _fetch(self, url: str) -> bytes:
        if url.lstrip().lower().startswith("data:"):
            raise UrlNotAllowedError(
                "image_url: this is a data URL, which holds the image itself; send it in "
                "image_base64 instead."
            )
        if self._fetcher is None:
            raise UrlNotAllowedError(
                "Fetching images by URL is switched off; upload the image instead."
            )
        if self._in_progress >= _PARALLEL_FETCHES * (1 + _WAITING_PER_FETCH):
            raise OverloadedError(
                "Too many images are being fetched by URL; try again, or upload this one."
            )
        self._in_progress += 1
        try:
            return await to_thread.run_sync(self._fetcher.fetch, url, limiter=self._limiter)
        except SourceError as error:
            kind = _ERRORS.get(error.reason, UrlUnreachableError)
            raise kind(f"{error.message[:1].upper()}{error.message[1:]}.") from error
        finally:
            self._in_progress -= 1


def _fetcher(settings: Settings) -> Fetcher:
    from indexer.image_loading.fetching import AddressPolicy, Fetcher, FetchLimits

    limits = FetchLimits(
        connect_seconds=min(5.0, settings.url_seconds),
        total_seconds=settings.url_seconds,
        max_bytes=settings.max_image_bytes,
    )
    policy = AddressPolicy.ANY if settings.private_urls else AddressPolicy.PUBLIC
    return Fetcher(limits, policy, frozenset(settings.url_hosts))
