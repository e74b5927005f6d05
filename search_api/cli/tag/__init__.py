"""The commands of `lookalike tag`: tag images, fit a taxonomy, audit tags."""

from __future__ import annotations

from search_api.cli.tag.app import tag_app

__all__ = ["tag_app"]
