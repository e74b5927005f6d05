"""The opened index: segments, facets, thumbnails and maintenance of an index folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from indexer.index.index import Index
    from indexer.index.info import describe, index_kind, index_recall, tag_coverage
    from indexer.index.maintenance import GenerationReport, prune, rollback, verify
    from indexer.index.matches import Found, HitColour, Match, Nearest, Product
    from indexer.index.opening import index_exists
    from indexer.index.product_tags import FIELD_PREFIX
    from indexer.index.segments import (
        NewImage,
        NewProduct,
        Segment,
        new_segment_id,
        write_segment,
    )
    from indexer.index.tag_files import write_tags
    from indexer.index.tagging import (
        NO_TAGS,
        IndexTags,
        TagChoice,
        merge_tags,
        stored_tagger,
        without_tags,
    )
    from indexer.index.thumbnails import (
        SCAN_SIDE,
        ImageScan,
        ImageTable,
        Progress,
        open_thumbnail,
        scan_images,
    )
    from indexer.index.watching import Damage, GenerationWatch
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "indexer.index.index": ("Index",),
            "indexer.index.info": (
                "describe",
                "index_kind",
                "index_recall",
                "tag_coverage",
            ),
            "indexer.index.maintenance": (
                "GenerationReport",
                "prune",
                "rollback",
                "verify",
            ),
            "indexer.index.matches": (
                "Found",
                "HitColour",
                "Match",
                "Nearest",
                "Product",
            ),
            "indexer.index.opening": ("index_exists",),
            "indexer.index.product_tags": ("FIELD_PREFIX",),
            "indexer.index.segments": (
                "NewImage",
                "NewProduct",
                "Segment",
                "new_segment_id",
                "write_segment",
            ),
            "indexer.index.tag_files": ("write_tags",),
            "indexer.index.tagging": (
                "NO_TAGS",
                "IndexTags",
                "TagChoice",
                "merge_tags",
                "stored_tagger",
                "without_tags",
            ),
            "indexer.index.thumbnails": (
                "SCAN_SIDE",
                "ImageScan",
                "ImageTable",
                "Progress",
                "open_thumbnail",
                "scan_images",
            ),
            "indexer.index.watching": (
                "Damage",
                "GenerationWatch",
            ),
        },
    )

__all__ = [
    "FIELD_PREFIX",
    "NO_TAGS",
    "SCAN_SIDE",
    "Damage",
    "Found",
    "GenerationReport",
    "GenerationWatch",
    "HitColour",
    "ImageScan",
    "ImageTable",
    "Index",
    "IndexTags",
    "Match",
    "Nearest",
    "NewImage",
    "NewProduct",
    "Product",
    "Progress",
    "Segment",
    "TagChoice",
    "describe",
    "index_exists",
    "index_kind",
    "index_recall",
    "merge_tags",
    "new_segment_id",
    "open_thumbnail",
    "prune",
    "rollback",
    "scan_images",
    "stored_tagger",
    "tag_coverage",
    "verify",
    "without_tags",
    "write_segment",
    "write_tags",
]
