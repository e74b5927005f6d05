"""Commands that look into image files: what is in them, are they fit to show, what do they say."""

from __future__ import annotations

from search_api.cli.vision.anomaly import anomaly_app
from search_api.cli.vision.moderate import moderate
from search_api.cli.vision.read import read
from search_api.cli.vision.scenes import detect, search_items

__all__ = ["anomaly_app", "detect", "moderate", "read", "search_items"]
