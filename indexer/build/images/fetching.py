"""Images that a build fetches: at URLs, in object storage, and those that did not change."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from indexer.build.images.reusable import ReusableImages
from indexer.catalog import read_stored, stored_url
from indexer.image_loading.fetching import Fetcher, Validator, ValidatorStore

__all__ = ["FetchedImage", "ImageFetcher"]


class FetchedImage(NamedTuple):
    """An image that was asked for.

    Attributes:
        sha256: Of its content.
        data: Its bytes; empty if the live generation holds an image of this content, and the server
            says that it did not change.
    """

    sha256: bytes
    data: bytes


class ImageFetcher:
    """Fetches images, and asks only for those that changed; for many threads at once.

    Args:
        fetcher: Fetches those at URLs.
        validators: What servers called the images of former builds.
        reusable: Images that need no encoder.
        max_bytes: The largest image.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        validators: ValidatorStore,
        reusable: ReusableImages,
        max_bytes: int,
    ) -> None:
        self._fetcher = fetcher
        self._validators = validators
        self._reusable = reusable
        self._max_bytes = max_bytes

    def fetch(self, url: str) -> FetchedImage:
        """As `Fetches.fetch`."""
        if stored_url(url) is not None:
            return _image(read_stored(url, self._max_bytes))
        former = self._validators.find(url)
        if former is not None and former[1] not in self._reusable:
            former = None
        validator, sha256 = former or (Validator(), b"")
        data, found = self._fetcher.fetch_if_changed(url, validator)
        if data is None:
            return FetchedImage(sha256, b"")
        image = _image(data)
        self._validators.put(url, found, image.sha256)
        return image


def _image(data: bytes) -> FetchedImage:
    return FetchedImage(hashlib.sha256(data).digest(), data)
