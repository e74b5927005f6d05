"""Product feeds and shops' exports, recognised by their columns and read by their own rules."""

from __future__ import annotations

from indexer.catalog.feeds.recognition import as_feed

__all__ = ["as_feed"]
