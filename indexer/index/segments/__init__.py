"""Segments of an index: opening their files, one generation's view of them, and writing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from indexer.index.segments.files import SegmentFiles, open_segment_files
    from indexer.index.segments.segment import Segment
    from indexer.index.segments.writer import NewImage, NewProduct, new_segment_id, write_segment
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "indexer.index.segments.files": (
                "SegmentFiles",
                "open_segment_files",
            ),
            "indexer.index.segments.segment": ("Segment",),
            "indexer.index.segments.writer": (
                "NewImage",
                "NewProduct",
                "new_segment_id",
                "write_segment",
            ),
        },
    )

__all__ = [
    "NewImage",
    "NewProduct",
    "Segment",
    "SegmentFiles",
    "new_segment_id",
    "open_segment_files",
    "write_segment",
]
