"""Segments of an index: opening their files, one generation's view of them, and writing them."""

from __future__ import annotations

from indexer.index.segments.segment import Segment
from indexer.index.segments.writer import NewImage, NewProduct, new_segment_id, write_segment

__all__ = ["NewImage", "NewProduct", "Segment", "new_segment_id", "write_segment"]
