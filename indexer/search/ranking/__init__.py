"""Ranking of candidates: rank fusion, colour, diversity (MMR), grouping and paging."""

from __future__ import annotations

from indexer.search.ranking.colour_order import (
    ColourRanking,
    Ranking,
    Relevance,
    ordered_by_colour,
)
from indexer.search.ranking.colour_wishes import ColourWishes
from indexer.search.ranking.diversity import (
    DIVERSITY_DEPTH,
    check_diversity,
    diverse_order,
    diversify,
)
from indexer.search.ranking.fusion import FUSION_DEPTH, fuse_ranks, fuse_scores
from indexer.search.ranking.matching import (
    FITTED_QUERIES,
    MATCH_CONFIDENCE,
    WINDOW,
    WORD_WINDOW,
    Evidence,
    Masks,
    Matches,
    Matching,
)
from indexer.search.ranking.paging import ConfidenceOf, PageHit, page_of

__all__ = [
    "DIVERSITY_DEPTH",
    "FITTED_QUERIES",
    "FUSION_DEPTH",
    "MATCH_CONFIDENCE",
    "WINDOW",
    "WORD_WINDOW",
    "ColourRanking",
    "ColourWishes",
    "ConfidenceOf",
    "Evidence",
    "Masks",
    "Matches",
    "Matching",
    "PageHit",
    "Ranking",
    "Relevance",
    "check_diversity",
    "diverse_order",
    "diversify",
    "fuse_ranks",
    "fuse_scores",
    "ordered_by_colour",
    "page_of",
]
