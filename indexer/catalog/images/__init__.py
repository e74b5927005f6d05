"""Images of products: where a catalog's paths and URLs lead, and reading them."""

from __future__ import annotations

from indexer.catalog.images.finding import ImageFinder, find_image
from indexer.catalog.images.ignored import is_ignored, is_index_folder
from indexer.catalog.images.sources import ImageSource, check_size, embedded_image
from indexer.catalog.images.storage import (
    copy_stored,
    matching_stored,
    read_stored,
    stored_url,
)
from indexer.catalog.images.stored_finder import StoredImageFinder
from indexer.catalog.images.urls import browser_url

__all__ = [
    "ImageFinder",
    "ImageSource",
    "StoredImageFinder",
    "browser_url",
    "check_size",
    "copy_stored",
    "embedded_image",
    "find_image",
    "is_ignored",
    "is_index_folder",
    "matching_stored",
    "read_stored",
    "stored_url",
]
