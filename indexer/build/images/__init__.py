"""Images of a build: fetched ones, known ones, and those that are held back."""

from __future__ import annotations

from indexer.build.images.fetching import FetchedImage, ImageFetcher
from indexer.build.images.holding import hold_unsafe, read_released, release, unsafe_reason
from indexer.build.images.reusable import ReusableImages

__all__ = [
    "FetchedImage",
    "ImageFetcher",
    "ReusableImages",
    "hold_unsafe",
    "read_released",
    "release",
    "unsafe_reason",
]
