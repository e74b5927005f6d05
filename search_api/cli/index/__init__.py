"""The commands of `lookalike index`: build, inspect, evaluate and maintain an index."""

from __future__ import annotations

from search_api.cli.index.app import index_app

__all__ = ["index_app"]
