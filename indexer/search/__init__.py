"""The search engine: a query in, one page of ranked products out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from indexer.search.engine import Engine
    from indexer.search.following import DamageReport
    from indexer.search.hybrid import SearchScope, TextSearch
    from indexer.search.query import (
        KEYWORD_WEIGHT,
        Boost,
        BoostFunction,
        ColourPart,
        Explanation,
        Fusion,
        ImagePart,
        LikePart,
        Query,
        QueryPart,
        SearchMode,
        SearchResult,
        SortKey,
        TextPart,
        VectorPart,
        WantedColour,
    )
    from indexer.search.query_vector import EncodedParts, encode_images
    from indexer.search.ranking import sort_key
    from indexer.search.recommendation import Seeds, recommend, seed_vectors
    from indexer.search.understanding import Parse, Understood
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "indexer.search.engine": ("Engine",),
            "indexer.search.following": ("DamageReport",),
            "indexer.search.hybrid": (
                "SearchScope",
                "TextSearch",
                "VectorPart",
            ),
            "indexer.search.query": (
                "KEYWORD_WEIGHT",
                "ColourPart",
                "Boost",
                "BoostFunction",
                "Explanation",
                "Fusion",
                "ImagePart",
                "LikePart",
                "Query",
                "QueryPart",
                "SearchMode",
                "SearchResult",
                "SortKey",
                "TextPart",
                "VectorPart",
                "WantedColour",
            ),
            "indexer.search.query_vector": (
                "EncodedParts",
                "encode_images",
            ),
            "indexer.search.understanding": (
                "Parse",
                "Understood",
            ),
            "indexer.search.ranking": ("sort_key",),
            "indexer.search.recommendation": (
                "Seeds",
                "recommend",
                "seed_vectors",
            ),
        },
    )

__all__ = [
    "KEYWORD_WEIGHT",
    "Boost",
    "BoostFunction",
    "ColourPart",
    "DamageReport",
    "EncodedParts",
    "Engine",
    "Explanation",
    "Fusion",
    "ImagePart",
    "LikePart",
    "Parse",
    "Query",
    "QueryPart",
    "SearchMode",
    "SearchResult",
    "SearchScope",
    "Seeds",
    "SortKey",
    "TextPart",
    "TextSearch",
    "Understood",
    "VectorPart",
    "WantedColour",
    "encode_images",
    "recommend",
    "seed_vectors",
    "sort_key",
]
