"""Fetching pictures from http and https URLs, within limits and only from allowed addresses."""

from __future__ import annotations

from indexer.image_loading.addresses import AddressPolicy, clean_host
from indexer.image_loading.fetcher import Fetcher, FetchLimits
from indexer.image_loading.prefetch import fetch_ahead

__all__ = ["AddressPolicy", "FetchLimits", "Fetcher", "clean_host", "fetch_ahead"]
