"""What answers say beside their hits: why a hit matched, and the tags of the query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from indexer.search.describing.explain import explain
    from indexer.search.describing.query_tags import query_tags
else:
    # Most queries ask for neither.
    __getattr__ = lazy_exports(
        __name__,
        {
            "indexer.search.describing.explain": ("explain",),
            "indexer.search.describing.query_tags": ("query_tags",),
        },
    )

__all__ = ["explain", "query_tags"]
