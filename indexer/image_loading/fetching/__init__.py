"""Fetching images from http and https URLs, within limits and only from allowed addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from indexer.image_loading.fetching.addresses import AddressPolicy, normalize_host
    from indexer.image_loading.fetching.fetcher import Fetcher, FetchLimits
    from indexer.image_loading.fetching.manners import FetchManners, HostManners, read_manners
    from indexer.image_loading.fetching.prefetching import prefetch
    from indexer.image_loading.fetching.validators import Validator, ValidatorStore
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "indexer.image_loading.fetching.addresses": (
                "AddressPolicy",
                "normalize_host",
            ),
            "indexer.image_loading.fetching.fetcher": (
                "Fetcher",
                "FetchLimits",
            ),
            "indexer.image_loading.fetching.manners": (
                "FetchManners",
                "HostManners",
                "read_manners",
            ),
            "indexer.image_loading.fetching.prefetching": ("prefetch",),
            "indexer.image_loading.fetching.validators": (
                "Validator",
                "ValidatorStore",
            ),
        },
    )

__all__ = [
    "AddressPolicy",
    "FetchLimits",
    "FetchManners",
    "Fetcher",
    "HostManners",
    "Validator",
    "ValidatorStore",
    "normalize_host",
    "prefetch",
    "read_manners",
]
