"""Fetching pictures from http and https URLs, within limits and only from allowed addresses."""

from __future__ import annotations

from indexer.fetching.addresses import AddressPolicy, clean_host
from indexer.fetching.ahead import fetch_ahead
from indexer.fetching.fetcher import Fetcher, FetchLimits

__all__ = ["AddressPolicy", "FetchLimits", "Fetcher", "clean_host", "fetch_ahead"]
