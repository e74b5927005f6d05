"""What answers say beside their hits: why a hit matched, and the tags of the query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from indexer.search.describing.explaining import explain
    from indexer.search.describing.tagging import query_tags
else:
    # Most queries ask for neither.
    __getattr__ = lazy_exports(
        __name__,
        {
            "indexer.search.describing.explaining": ("explain",),
            "indexer.search.describing.tagging": ("query_tags",),
        },
    )

__all__ = ["explain", "query_tags"]
