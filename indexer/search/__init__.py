"""The search engine: a query in, one page of ranked products out."""

from __future__ import annotations

from indexer.search.by_colour import colour_alone
from indexer.search.engine import EncodedParts, Engine, encode_pictures, tag_images
from indexer.search.hybrid import Candidates, TextSearch
from indexer.search.query import (
    KEYWORD_WEIGHT,
    Explanation,
    Fusion,
    ImagePart,
    LikePart,
    Query,
    QueryPart,
    SearchMode,
    SearchResult,
    TextPart,
    WantedColour,
)
from indexer.search.recommend import Seeds, recommend, voters

__all__ = [
    "KEYWORD_WEIGHT",
    "Candidates",
    "EncodedParts",
    "Engine",
    "Explanation",
    "Fusion",
    "ImagePart",
    "LikePart",
    "Query",
    "QueryPart",
    "SearchMode",
    "SearchResult",
    "Seeds",
    "TextPart",
    "TextSearch",
    "WantedColour",
    "colour_alone",
    "encode_pictures",
    "recommend",
    "tag_images",
    "voters",
]
