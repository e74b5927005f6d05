"""Pages of hits: a ranking made diverse, filtered by confidence, grouped and cut into pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.index import Found, Index, index_kind
from indexer.retrieval import checkpoint
from indexer.search.query import Query, SearchMode
from indexer.search.ranking.arrangement import BOOST_DEPTH
from indexer.search.ranking.colour_order import Ranking
from indexer.search.ranking.diversity import DIVERSITY_DEPTH, diversify
from indexer.search.ranking.fusion import FUSION_DEPTH
from indexer.search.ranking.grouping import group_places
from indexer.search.ranking.matching import Matches
from indexer.storage import IndexKind

__all__ = [
    "MAX_DEPTH",
    "ConfidenceOf",
    "PageHit",
    "RankedPage",
    "colour_confidence",
    "page_of",
    "scores_of",
]

ConfidenceOf = Callable[[Sequence[Found]], NDArray[np.float64]]
"""Returns the confidences, 0 to 1, of hits, `[n]`."""

MAX_DEPTH = 20_000
"""How far down a ranking a page is searched for when few hits pass, because their confidence is too
low or because they fall into few groups."""

# With groups, at least so many products are read for the first page, to show each group's members.
_GROUPED_DEPTH = 128
# If the page is not full, so many times as many products are read next.
_GROWTH = 4
_STRETCHES = (64, 256, 1024, 4096, 16_384)


@dataclass(frozen=True)
class PageHit:
    """A hit of a page.

    Attributes:
        found: The product.
        confidence: Of the product, 0 to 1; None where the index has no calibration.
        others: The other products of its group, best first, as far as the ranking was read.
    """

    found: Found
    confidence: float | None = None
    others: tuple[Found, ...] = ()


@dataclass(frozen=True)
class RankedPage:
    """One page of an answer.

    Attributes:
        page: The hits, best first; where nothing matches, the nearest products all the same.
        matches: The products that match.
        no_match: Whether nothing matches.
    """

    page: Sequence[PageHit]
    matches: Matches
    no_match: bool


def page_of(
    index: Index,
    query: Query,
    ranking: Ranking,
    confidence_of: ConfidenceOf | None,
    pinned: int = 0,
) -> list[PageHit]:
    """Return the hits of a query's page: from `offset` on, `k` of them unless there are fewer.

    The steps are: the ranking is made diverse, hits of too low confidence are dropped, the others
    are grouped, and the groups are counted off into pages.

    Args:
        index: The generation that answers.
        query: Says which page, and how to make it.
        ranking: All products that may be found.
        confidence_of: Gives the confidence of hits; None where the index has no calibration.
        pinned: How many of the first products stay where they are, whatever their confidence.
    """
    end = query.offset + query.k
    deepest = max(end, MAX_DEPTH)
    depth = max(
        _steady_depth(index, end),
        DIVERSITY_DEPTH if query.diversity else 0,
        _GROUPED_DEPTH if query.group else 0,
    )
    while True:
        checkpoint()
        found = list(ranking(depth))
        found[pinned:] = _diverse(index, query, found[pinned:])
        confidences = None if confidence_of is None else confidence_of(found).tolist()
        kept = list(range(len(found)))
        if confidences is not None:
            least = query.min_confidence
            kept = [place for place in kept if place < pinned or confidences[place] >= least]
        groups = group_places(index, [found[place] for place in kept], query.group)
        ended = len(found) < depth or depth >= deepest or _only_worse_follow(query, found, kept)
        if ended or len(groups) >= end:
            break
        depth = min(_GROWTH * depth, deepest)
    page = []
    for group in groups[query.offset : end]:
        first, *others = (kept[member] for member in group)
        confidence = None if confidences is None else confidences[first]
        page.append(PageHit(found[first], confidence, tuple(found[place] for place in others)))
    return page


def _steady_depth(index: Index, end: int) -> int:
    """Return how far to read for the first `end` products, the same for the pages of a stretch.

    An approximate index finds slightly more products when it reads further. Pages that each read
    only as far as they need would miss products and repeat others: 170 of 12,000 with IVF-PQ.
    """
    if index_kind(index.manifest) == IndexKind.FLAT:
        return end
    return next((depth for depth in _STRETCHES if depth >= end), end)


def _diverse(index: Index, query: Query, found: Sequence[Found]) -> list[Found]:
    if not query.diversity:
        return list(found)
    # Only a plain vector ranking is in the order of its scores; in others the rank counts.
    by_score = query.mode is SearchMode.VECTOR and not query.ordered_by_colour
    by_score = by_score and not (query.sort or query.boost)
    relevance = scores_of(found) if by_score else -np.arange(len(found), dtype=np.float32)
    return [found[place] for place in diversify(index, found, relevance, query.diversity)]


def _only_worse_follow(query: Query, found: Sequence[Found], kept: Sequence[int]) -> bool:
    """Return whether no product further down the ranking can reach `min_confidence`.

    Confidence falls with the cosine. Rankings are in the order of cosines, except those by
    keywords, and except the first places, which fusion and diversity reorder. Colours count for the
    confidence of all.
    """
    by_both = query.ordered_by_colour and not query.by_colour_alone
    if query.mode is SearchMode.KEYWORD or by_both or query.sort or query.bury:
        return False
    reordered = max(
        2 * FUSION_DEPTH if query.mode is SearchMode.HYBRID else 0,
        DIVERSITY_DEPTH if query.diversity else 0,
        BOOST_DEPTH if query.boost else 0,
    )
    return len(found) > reordered and (not kept or kept[-1] < len(found) - 1)


def scores_of(found: Sequence[Found]) -> FloatArray:
    """Return cosines. Stored vectors are rounded, so one can be slightly above 1: it is clipped."""
    return np.clip(np.array([hit.score for hit in found], np.float32), -1.0, 1.0)


def colour_confidence(found: Sequence[Found]) -> NDArray[np.float64]:
    """Return how surely hits have the colours that are asked for, `[n]`."""
    return np.array([hit.colour for hit in found], np.float64)
