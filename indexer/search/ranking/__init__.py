"""Ranking of candidates: rank fusion, colour, diversity (MMR), grouping and paging."""

from __future__ import annotations

from indexer.search.ranking.colour_order import Ranking, ordered_by_colour
from indexer.search.ranking.diversity import (
    DIVERSITY_DEPTH,
    check_diversity,
    diverse_order,
    diversify,
)
from indexer.search.ranking.fusion import FUSION_DEPTH, fuse_ranks, fuse_scores
from indexer.search.ranking.paging import ConfidenceOf, PageHit, page_of

__all__ = [
    "DIVERSITY_DEPTH",
    "FUSION_DEPTH",
    "ConfidenceOf",
    "PageHit",
    "Ranking",
    "check_diversity",
    "diverse_order",
    "diversify",
    "fuse_ranks",
    "fuse_scores",
    "ordered_by_colour",
    "page_of",
]
