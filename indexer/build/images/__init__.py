"""Images of a build that are not embedded: known ones, and those that are held back."""

from __future__ import annotations

from indexer.build.images.holding import hold_unsafe, read_released, release
from indexer.build.images.reusable import ReusableImages

__all__ = ["ReusableImages", "hold_unsafe", "read_released", "release"]
