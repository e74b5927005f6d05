"""Ranking of candidates: rank fusion, colour, diversity (MMR), grouping and paging."""

from __future__ import annotations

from indexer.search.ranking.arrangement import (
    BOOST_DEPTH,
    boosted,
    check_arrangement,
    chosen_masks,
    rearranged,
    sorted_places,
)
from indexer.search.ranking.colour_order import (
    ColourRanking,
    Ranking,
    Relevance,
    ordered_by_colour,
)
from indexer.search.ranking.colour_wishes import ColourWishes
from indexer.search.ranking.defaults import grouping_of, listed, mode_of, sort_key
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
from indexer.search.ranking.paging import (
    ConfidenceOf,
    PageHit,
    RankedPage,
    colour_confidence,
    page_of,
    scores_of,
)

__all__ = [
    "BOOST_DEPTH",
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
    "RankedPage",
    "Ranking",
    "Relevance",
    "boosted",
    "check_arrangement",
    "check_diversity",
    "chosen_masks",
    "colour_confidence",
    "diverse_order",
    "diversify",
    "fuse_ranks",
    "fuse_scores",
    "grouping_of",
    "listed",
    "mode_of",
    "ordered_by_colour",
    "page_of",
    "rearranged",
    "scores_of",
    "sort_key",
    "sorted_places",
]
