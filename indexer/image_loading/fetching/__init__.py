"""Fetching images from http and https URLs, within limits and only from allowed addresses."""

from __future__ import annotations

from indexer.image_loading.fetching.addresses import AddressPolicy, normalize_host
from indexer.image_loading.fetching.fetcher import Fetcher, FetchLimits
from indexer.image_loading.fetching.prefetch import prefetch

__all__ = ["AddressPolicy", "FetchLimits", "Fetcher", "normalize_host", "prefetch"]
